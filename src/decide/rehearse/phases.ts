import type { Observation } from '../../model/observation.ts';
import type { Past, Phase, Span } from '../../model/rehearsal.ts';
import { renewEveryMs } from '../timing.ts';

/** How long each part of a change of leader takes: by the settings, by what was played, by what was seen before. */

/** etcd looks for leases that have ended this often, and only then are their keys gone. */
const leaseRoundMs = 500;
/**
 * Where etcd's own leader goes with the node: an election takes up to two timeouts of a second, and the next leader gives
 * every lease a whole term anew and one timeout more (lessor.Promote).
 */
const electionMs = 3_000;

/** From the death of a leader, at any moment between two renewals, until its key is gone. */
export function leaseSpan({ settings }: Observation): Span {
  const { ttlMs } = settings.cluster;
  const everyMs = renewEveryMs(settings.cluster);
  return {
    leastMs: ttlMs - everyMs,
    typicalMs: ttlMs - everyMs / 2 + leaseRoundMs / 2,
    mostMs: ttlMs + leaseRoundMs + electionMs,
  };
}

/** What was felt of leases of this length; where the ttl was another then, nothing. */
export function leasePhase(seen: Observation, leader: string, { leasesMs }: Past): Phase {
  const span = leaseSpan(seen);
  const felt = spanOf(leasesMs.filter((tookMs) => tookMs >= span.leastMs && tookMs <= span.mostMs));
  const about = `until etcd gives the leader key of ${leader} away: its ttl of ${seen.settings.cluster.ttlMs / 1_000} s, less what has passed since it was renewed; a whole one anew if etcd's leader goes, too`;
  if (felt === null) return { phase: 'lease', about, span };
  return { phase: 'lease', about: `${about}; mostly as probes felt it`, span: { ...span, typicalMs: felt.typicalMs } };
}

/** Played by the last look; what it took before may be longer, since then somebody may have had to be waited for. */
export function racePhase(tookMs: number, { racesMs }: Past): Phase {
  const about = 'until one of those that are left has the key';
  const seen = spanOf(racesMs);
  if (seen === null) return { phase: 'race', about, span: { leastMs: tookMs, typicalMs: tookMs, mostMs: tookMs } };
  return {
    phase: 'race',
    about: `${about}: played, and ${times(racesMs, 'change')} of leader that this agent has seen`,
    span: {
      leastMs: Math.min(tookMs, seen.leastMs),
      typicalMs: Math.max(tookMs, seen.typicalMs),
      mostMs: Math.max(tookMs, seen.mostMs),
    },
  };
}

export function promotionPhase({ promotionsMs }: Past): Phase {
  const span = spanOf(promotionsMs);
  const about = 'until PostgreSQL accepts writes';
  if (span === null) return { phase: 'promotion', about: `${about}; not known: this agent has seen none`, span };
  return {
    phase: 'promotion',
    about: `${about}, by ${times(promotionsMs, 'promotion')} that this agent has seen`,
    span,
  };
}

/** Only a probe knows it: none where none was asked. */
export function routedPhases({ routesMs }: Past): readonly Phase[] {
  const span = spanOf(routesMs);
  if (span === null) return [];
  const about = `until clients are served there, as probes felt it after ${times(routesMs, 'promotion')} of this node`;
  return [{ phase: 'routed', about, span }];
}

const times = ({ length }: readonly number[], what: string): string =>
  length === 1 ? `the one ${what}` : `the ${length} ${what}s`;

/** From the least to the most, and the one in the middle. */
function spanOf(tookMs: readonly number[]): Span | null {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const [leastMs, typicalMs, mostMs] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  if (leastMs === undefined || typicalMs === undefined || mostMs === undefined) return null;
  return { leastMs, typicalMs, mostMs };
}

/** `afterMs`: counted from a renewal; etcd may go at any moment between two. */
export function stopPhase({ settings }: Observation, leader: string, afterMs: number): Phase {
  const everyMs = renewEveryMs(settings.cluster);
  return {
    phase: 'stop',
    about: `until ${leader} sends its clients away, before its lease ends; nobody takes writes from then on`,
    span: {
      leastMs: Math.max(0, afterMs - everyMs),
      typicalMs: Math.max(0, afterMs - everyMs / 2),
      mostMs: afterMs,
    },
  };
}
