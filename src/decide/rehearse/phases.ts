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

export const leasePhase = (seen: Observation, leader: string): Phase => ({
  phase: 'lease',
  about: `until etcd gives the leader key of ${leader} away: its ttl of ${seen.settings.cluster.ttlMs / 1_000} s, less what has passed since it was renewed; a whole one anew if etcd's leader goes, too`,
  span: leaseSpan(seen),
});

export const racePhase = (tookMs: number): Phase => ({
  phase: 'race',
  about: 'until one of those that are left has the key',
  span: { leastMs: tookMs, typicalMs: tookMs, mostMs: tookMs },
});

export function promotionPhase({ promotionsMs }: Past): Phase {
  const sorted = promotionsMs.toSorted((a, b) => a - b);
  const typicalMs = sorted[Math.floor(sorted.length / 2)];
  const about = 'until PostgreSQL accepts writes';
  if (typicalMs === undefined)
    return { phase: 'promotion', about: `${about}; not known: this agent has seen none`, span: null };
  const seen = sorted.length === 1 ? 'the one promotion' : `the ${sorted.length} promotions`;
  return {
    phase: 'promotion',
    about: `${about}, by ${seen} that this agent has seen`,
    span: { leastMs: sorted[0] ?? typicalMs, typicalMs, mostMs: sorted.at(-1) ?? typicalMs },
  };
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
