import { accepted } from '../../codec/rest/failsafe.ts';
import type { FailsafeMap, FailsafeRound } from '../../model/failsafe.ts';
import type { InstantMs } from '../../model/units.ts';
import type { Http, World } from '../../model/world.ts';

/** All have promised, as of before the first was asked. */
type Granted = (sentMs: InstantMs) => Promise<void>;

/** Asks all members at once, beside the loop. */
export function makeRounds({ clock, http }: Pick<World, 'clock' | 'http'>, ended: () => void) {
  let askingSinceMs: InstantMs | null = null;
  let last: FailsafeRound | null = null;

  async function play(
    bodyFor: (member: string) => string,
    members: FailsafeMap,
    limitMs: number,
    granted: Granted,
  ): Promise<void> {
    const sentMs = clock.now();
    askingSinceMs = sentMs;
    const answers = await Promise.all(
      Object.entries(members).map(async ([member, apiUrl]) => {
        const why = await ask(http, apiUrl, bodyFor(member), limitMs);
        return why === null ? [] : [{ member, why }];
      }),
    );
    const refusals = answers.flat();
    if (refusals.length === 0) await granted(sentMs);
    askingSinceMs = null;
    last = { sentMs, refusals };
    ended();
  }

  return {
    askingSinceMs: (): InstantMs | null => askingSinceMs,
    last: (): FailsafeRound | null => last,
    /** `members`: all but this one. Nothing while a round is under way. */
    begin(bodyFor: (member: string) => string, members: FailsafeMap, limitMs: number, granted: Granted): void {
      if (askingSinceMs === null) void play(bodyFor, members, limitMs, granted);
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
