import { readGaps } from '../../codec/probe.ts';
import type { FeltGap, ProbeWord } from '../../model/incident.ts';
import type { ClientGap } from '../../model/probe.ts';
import type { HostPort } from '../../model/settings.ts';
import { type InstantMs, later } from '../../model/units.ts';
import type { World } from '../../model/world.ts';

/** When an incident began and ended, on this agent's clock. */
export interface Span {
  readonly beganMs: InstantMs;
  readonly endedMs: InstantMs;
}

/** Calls `tell` whenever more is known; settles when there is nothing more to learn. */
export type HearClients = (span: Span, tell: (words: readonly ProbeWord[]) => void) => Promise<void>;

/** A proxy finds the new primary a little later than the cluster does. */
const settleMs = 5_000;
/** A gap that still runs, or a probe that was not heard, is asked about again: so often, and then no more. */
const againMs = 30_000;
const timesMax = 10;
const limitMs = 2_000;
const probesMax = 8;
/** An answer is this much younger or older than it seems, for it takes its time on the way. */
const slackMs = 1_000;

/**
 * What clients felt of an incident, by the probes that the configuration names. The agent asks, and nobody can tell it
 * anything unasked: what is written down is bounded by the number of incidents, and comes from addresses that are its own choice.
 */
export function makeHearClients(
  { clock, http }: Pick<World, 'clock' | 'http'>,
  probes: () => readonly HostPort[],
): HearClients {
  async function ask(name: string, span: Span): Promise<ProbeWord> {
    const reply = await http.request(`http://${name}/gaps`, { method: 'GET', limitMs });
    if (reply.kind === 'silent') return { probe: name, unheard: reply.why.slice(0, 200), gaps: [] };
    const gaps = reply.status === 200 ? readGaps(reply.body) : null;
    if (gaps === null) return { probe: name, unheard: `no probe answers there (status ${reply.status})`, gaps: [] };
    return { probe: name, unheard: null, gaps: gaps.flatMap((gap) => feltIn(gap, span, clock.now()) ?? []) };
  }

  return async (span, tell) => {
    if (probes().length === 0) return;
    let words: readonly ProbeWord[] = [];
    for (let time = 0; time < timesMax; time += 1) {
      await clock.sleep(time === 0 ? settleMs : againMs);
      const names = probes().slice(0, probesMax).map(nameOf);
      if (names.length === 0) return;
      const asked = await Promise.all(names.map((name) => ask(name, span)));
      const heard = words;
      // Who was heard and is silent now has said something all the same.
      words = asked.map((word) =>
        word.unheard === null ? word : (heard.find((one) => one.probe === word.probe) ?? word),
      );
      tell(words);
      const isWhole = asked.every(({ unheard, gaps }) => unheard === null && gaps.every(({ ended }) => ended));
      if (isWhole) return;
    }
  };
}

const nameOf = ({ host, port }: HostPort): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Null: it was over before, or began after. */
function feltIn(gap: ClientGap, { beganMs, endedMs }: Span, nowMs: InstantMs): FeltGap | null {
  const fromMs = later(nowMs, -gap.beganAgoMs);
  const untilMs = gap.endedAgoMs === null ? nowMs : later(nowMs, -gap.endedAgoMs);
  if (fromMs > endedMs + slackMs || untilMs < beganMs - slackMs) return null;
  return {
    kind: gap.kind,
    target: gap.target,
    gapMs: Math.round(gap.gapMs),
    beganAfterMs: Math.round(fromMs - beganMs),
    ended: gap.endedAgoMs !== null,
    hostBefore: gap.hostBefore,
    hostAfter: gap.hostAfter,
  };
}
