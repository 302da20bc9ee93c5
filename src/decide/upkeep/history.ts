import type { HistoryLine } from '../../model/cluster.ts';
import type { Observation } from '../../model/observation.ts';
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
  if (seen.localHistory.length === 0 || seen.localHistory.at(-1)?.timeline !== primary.timeline - 1)
    return { actions: [] };
  if (last !== undefined && last.timeline === primary.timeline - 1 && last.at !== null && last.newLeader !== null)
    return { actions: [] };
  const lines = seen.localHistory.map((line, index): HistoryLine => {
    const before = known.find((one) => one.timeline === line.timeline && one.end === line.end);
    const newest = index === seen.localHistory.length - 1;
    return {
      timeline: line.timeline,
      end: line.end,
      reason: line.reason,
      at: before?.at ?? (newest ? new Date(seen.wallMs).toISOString().replace('Z', '000+00:00') : null),
      newLeader: before?.newLeader ?? (newest ? me(seen) : null),
    };
  });
  const keep = seen.settings.cluster.maxTimelinesHistory;
  return { actions: [{ kind: 'writeHistory', lines: keep > 0 ? lines.slice(-keep) : lines, term: seen.held.term }] };
}
