import { optionalBody } from '../../codec/rest/body.ts';
import { readRestart } from '../../codec/rest/restart.ts';
import { pythonTime } from '../../codec/rest/status.ts';
import type { AgentHandles } from '../../model/agent.ts';
import { type ApiRequest, page, type Reply, text } from '../reply.ts';

type Handles = Pick<AgentHandles, 'mailbox' | 'snapshot' | 'wallMs'>;

const restartLimitMs = 3_600_000;
const answerLimitMs = 60_000;

/** What a rule refuses has a code of its own, where Patroni gives it one. */
const codes: Readonly<Record<string, number>> = {
  'Another restart is already scheduled': 409,
  "Can't schedule restart in the paused state": 500,
};

/** Waits until PostgreSQL is up again, unless the restart is for later. */
export async function restart(request: ApiRequest, { mailbox, snapshot, wallMs }: Handles): Promise<Reply> {
  const body = optionalBody(request.body);
  if (body.kind === 'bad') return page(body.status, body.why);
  const postgres = snapshot()?.seen.postgres;
  const postmasterStarted = postgres?.kind === 'running' ? pythonTime(postgres.startedWallMs) : null;
  const read = readRestart(body.document, { nowMs: wallMs(), postmasterStarted });
  if (read.kind === 'refused') return text(read.status, read.text);
  const later = read.ask.schedule !== null;
  const answer = await mailbox.ask(read.ask, {
    acceptedIsEnough: later,
    limitMs: later ? answerLimitMs : restartLimitMs,
  });
  switch (answer.kind) {
    case 'accepted':
      return text(202, 'Restart scheduled');
    case 'done':
      return text(200, 'restarted successfully');
    case 'refused':
      return text(codes[answer.text] ?? 503, answer.text);
    case 'failed':
    case 'timeout':
      return text(503, 'restart failed');
    default:
      return answer satisfies never;
  }
}

export async function cancelRestart({ mailbox }: Pick<Handles, 'mailbox'>): Promise<Reply> {
  const answer = await mailbox.ask(
    { kind: 'cancelScheduledRestart' },
    { acceptedIsEnough: true, limitMs: answerLimitMs },
  );
  if (answer.kind === 'timeout') return text(503, 'no answer from the agent: the scheduled restart stands');
  return answer.kind === 'done' || answer.kind === 'accepted'
    ? text(200, 'scheduled restart deleted')
    : text(404, 'no restarts are scheduled');
}
