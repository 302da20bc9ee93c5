import { accepted } from '../../codec/rest/failsafe.ts';
import type { FailsafeMap, FailsafeRound } from '../../model/failsafe.ts';
import type { InstantMs } from '../../model/units.ts';
import type { Http, World } from '../../model/world.ts';

/** All have promised, as of before the first was asked. */
type Granted = (sentMs: InstantMs) => Promise<void>;

/** A round of questions. `limitMs`: for each answer; null: nothing more is to be asked. */
export interface Questions {
  readonly bodyFor: (member: string) => string;
  readonly members: FailsafeMap;
  readonly limitMs: () => number | null;
  readonly granted: Granted;
}

/** Between two rounds: whoever refused has looked again by then, or not. */
const againMs = 250;

/** Asks all members at once, beside the loop, until all have promised, or it is of no use any more. */
export function makeRounds({ clock, http }: Pick<World, 'clock' | 'http'>, ended: () => void) {
  let askingSinceMs: InstantMs | null = null;
  let last: FailsafeRound | null = null;

  async function play({ bodyFor, members, limitMs, granted }: Questions): Promise<void> {
    for (let forMs = limitMs(); forMs !== null; forMs = limitMs()) {
      const eachMs = forMs;
      const sentMs = clock.now();
      askingSinceMs ??= sentMs;
      const answers = await Promise.all(
        Object.entries(members).map(async ([member, apiUrl]) => {
          const why = await ask(http, apiUrl, bodyFor(member), eachMs);
          return why === null ? [] : [{ member, why }];
        }),
      );
      const refusals = answers.flat();
      const allPromise = refusals.length === 0;
      if (allPromise) await granted(sentMs);
      last = { sentMs, refusals };
      if (allPromise) break;
      ended();
      await clock.sleep(againMs);
    }
    askingSinceMs = null;
    ended();
  }

  return {
    askingSinceMs: (): InstantMs | null => askingSinceMs,
    last: (): FailsafeRound | null => last,
    /** `members`: all but this one. Nothing while they are asked. */
    begin(questions: Questions): void {
      if (askingSinceMs === null) void play(questions);
    },
  };
}

/** Null: it promises. */
async function ask(http: Http, apiUrl: string, body: string, limitMs: number): Promise<string | null> {
  const url = `${apiUrl.replace(/\/patroni\/?$/, '')}/failsafe`;
  const sent = { method: 'POST', body, headers: { 'Content-Type': 'application/json' }, limitMs };
  const reply = await http.request(url, sent);
  if (reply.kind === 'silent') return reply.why;
  if (reply.status === 200 && reply.body.trim() === accepted) return null;
  const said = reply.body.startsWith('<') ? '' : reply.body.trim().slice(0, 200);
  return said === '' ? `HTTP ${reply.status}` : said;
}
