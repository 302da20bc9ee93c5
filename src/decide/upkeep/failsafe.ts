import type { FailsafeMap } from '../../model/failsafe.ts';
import type { Observation } from '../../model/observation.ts';
import { clusterOf, iAmLeader, isGarbage, me } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * /failsafe: who is asked by a primary without etcd, and so who may lead. The leader keeps it while the mode is on. With the mode
 * off it goes, which Patroni does not do: whoever is not on a list that nobody keeps could never lead.
 */
export function failsafe(seen: Observation): Upkeep {
  const cluster = clusterOf(seen);
  if (cluster === null || seen.held === null || !iAmLeader(seen)) return { actions: [] };
  const broken = isGarbage(cluster, 'failsafe');
  const now = cluster.failsafe;
  const wanted = seen.settings.cluster.failsafeMode ? listOf(seen) : null;
  // Of a write that an agent before this one began nothing is known until another has succeeded.
  const inDoubt = wanted !== null && now !== null && seen.failsafe.map === null;
  if (!broken && !inDoubt && sameMap(now?.members ?? null, wanted)) return { actions: [] };
  const seenModRevision = broken ? 'any' : (now?.modRevision ?? null);
  return { actions: [{ kind: 'writeFailsafe', members: wanted, seenModRevision, term: seen.held.term }] };
}

/** All members that can be asked, this one included; null: this one has not told its address yet. */
function listOf(seen: Observation): FailsafeMap | null {
  const members = clusterOf(seen)?.members ?? [];
  const list = Object.fromEntries(
    members.flatMap(({ name, apiUrl }) => (apiUrl === null ? [] : [[name, apiUrl] as const])),
  );
  return me(seen) in list ? list : (clusterOf(seen)?.failsafe?.members ?? null);
}

function sameMap(a: FailsafeMap | null, b: FailsafeMap | null): boolean {
  if (a === null || b === null) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
