import type { AskBody } from '../model/agent.ts';
import type { Ask, AskAnswer } from '../model/ask.ts';
import type { FinishedJob, Job } from '../model/job.ts';
import type { Clock } from '../model/world.ts';

export interface Mailbox {
  /** What waits for a rule's answer. */
  asks(): readonly Ask[];
  ask(
    body: AskBody,
    options: { readonly acceptedIsEnough: boolean; readonly limitMs: number },
  ): Promise<AskAnswer | { readonly kind: 'timeout' }>;
  answer(answers: readonly AskAnswer[]): void;
  /** An accepted ask that became a job is answered with the job's end. */
  jobEnded(job: FinishedJob): void;
}

const jobOf: Partial<Record<Ask['kind'], Job['kind']>> = { restart: 'restart' };
const waitingMax = 100;

/** People ask, rules answer. An ask shows in every observation until one does. */
export function makeMailbox(clock: Clock, wake: (reason: string) => void): Mailbox {
  let nextId = 1;
  let asks: readonly Ask[] = [];
  const waiting = new Map<
    number,
    { ask: Ask; acceptedIsEnough: boolean; settle: (answer: AskAnswer | { kind: 'timeout' }) => void }
  >();

  function settle(id: number, answer: AskAnswer | { kind: 'timeout' }): void {
    asks = asks.filter((ask) => ask.id !== id);
    const one = waiting.get(id);
    if (one === undefined) return;
    if (answer.kind === 'accepted' && !one.acceptedIsEnough && jobOf[one.ask.kind] !== undefined) return;
    waiting.delete(id);
    one.settle(answer);
  }

  return {
    asks: () => asks,
    ask(body, { acceptedIsEnough, limitMs }) {
      const id = nextId++;
      const ask = { ...body, id } as Ask;
      if (asks.length >= waitingMax)
        return Promise.resolve({ id, kind: 'refused', text: 'too many requests are waiting' });
      return new Promise((resolve) => {
        const cancel = clock.at((clock.now() + limitMs) as ReturnType<Clock['now']>, () =>
          settle(id, { kind: 'timeout' }),
        );
        waiting.set(id, {
          ask,
          acceptedIsEnough,
          settle(answer) {
            cancel();
            resolve(answer);
          },
        });
        asks = [...asks, ask];
        wake(`asked:${ask.kind}`);
      });
    },
    answer(answers) {
      for (const answer of answers) settle(answer.id, answer);
    },
    jobEnded(job) {
      for (const [id, { ask }] of waiting) {
        if (jobOf[ask.kind] !== job.job.kind || asks.some((one) => one.id === id)) continue;
        settle(id, { id, kind: job.ended === 'done' ? 'done' : 'failed', text: job.error ?? job.ended });
      }
    },
  };
}
