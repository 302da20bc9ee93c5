import { accepted } from '../../codec/rest/failsafe.ts';
import type { FailsafeMap, FailsafeRound } from '../../model/failsafe.ts';
import type { InstantMs } from '../../model/units.ts';
import type { Http, World } from '../../model/world.ts';

/** Whom to ask, all at once, and what: as it is right before that. */
export interface Questions {
  /** All but this one. */
  readonly members: FailsafeMap;
  readonly bodyFor: (member: string) => string;
  readonly limitMs: number;
}

export interface RoundsParts {
  /** Null: it is of no use any more. */
  readonly questions: () => Questions | null;
  /** All of these have promised, as of before the first was asked. Who else would have to is told: none. */
  readonly granted: (sentMs: InstantMs, asked: FailsafeMap) => Promise<FailsafeRound['refusals']>;
}

/** Between two rounds: whoever refused has looked again by then, or not. */
const againMs = 250;

/** Asks the members beside the loop, until all have promised. `heard`: after each round. */
export function makeRounds({ clock, http }: Pick<World, 'clock' | 'http'>, heard: () => void) {
  let askingSinceMs: InstantMs | null = null;
  let last: FailsafeRound | null = null;

  async function play({ questions, granted }: RoundsParts): Promise<void> {
    for (let now = questions(); now !== null; now = questions()) {
      const { members, bodyFor, limitMs } = now;
      const sentMs = clock.now();
      askingSinceMs ??= sentMs;
      const answers = await Promise.all(
        Object.entries(members).map(async ([member, apiUrl]) => {
          const why = await ask(http, apiUrl, bodyFor(member), limitMs);
          return why === null ? [] : [{ member, why }];
        }),
      );
      const said = answers.flat();
      const refusals = said.length === 0 ? await granted(sentMs, members) : said;
      last = { sentMs, refusals };
      if (refusals.length === 0) break;
      heard();
      await clock.sleep(againMs);
    }
    askingSinceMs = null;
    heard();
  }

  return {
    askingSinceMs: (): InstantMs | null => askingSinceMs,
    last: (): FailsafeRound | null => last,
    /** Nothing while they are asked. */
    begin(parts: RoundsParts): void {
      if (askingSinceMs === null) void play(parts);
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
