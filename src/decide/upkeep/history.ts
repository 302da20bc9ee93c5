import type { HistoryLine } from '../../model/cluster.ts';
import type { Observation } from '../../model/observation.ts';
import { lsnOf, timeline } from '../../model/units.ts';
import { clusterOf, iAmLeader, me, runningPrimary } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** /history: one line for each promotion, from the server's own history file; times and names already known are kept. */
export function history(seen: Observation): Upkeep {
  const primary = runningPrimary(seen);
  const cluster = clusterOf(seen);
  if (primary === null || cluster === null || seen.held === null || !iAmLeader(seen)) return { actions: [] };
  const known = cluster.history?.lines ?? [];
  const last = known.at(-1);
  if (primary.timeline === 1) {
    return { actions: known.length === 0 ? [] : [{ kind: 'writeHistory', lines: [], term: seen.held.term }] };
  }
  const newest = seen.localHistory.at(-1);
  if (newest === undefined || newest.timeline >= primary.timeline) return { actions: [] };
  if (last !== undefined && last.timeline === primary.timeline - 1 && last.at !== null && last.newLeader !== null)
    return { actions: [] };
  // Readers take the last line's timeline plus one for the cluster's: where this server kept off timelines that others had
  // begun, the last of them gets a line as well. It ended before it began: nothing that was written on it is on the way here.
  const keptOff = {
    timeline: timeline(primary.timeline - 1),
    end: lsnOf(0n),
    reason: 'begun by another member, and left',
  };
  const told = newest.timeline === primary.timeline - 1 ? seen.localHistory : [...seen.localHistory, keptOff];
  const lines = told.map((line): HistoryLine => {
    const before = known.find((one) => one.timeline === line.timeline && one.end === line.end);
    const isNewest = line.timeline === primary.timeline - 1;
    return {
      timeline: line.timeline,
      end: line.end,
      reason: line.reason,
      at: before?.at ?? (isNewest ? new Date(seen.wallMs).toISOString().replace('Z', '000+00:00') : null),
      newLeader: before?.newLeader ?? (isNewest ? me(seen) : null),
    };
  });
  const keep = seen.settings.cluster.maxTimelinesHistory;
  return { actions: [{ kind: 'writeHistory', lines: keep > 0 ? lines.slice(-keep) : lines, term: seen.held.term }] };
}
