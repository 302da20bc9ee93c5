import type { RunReport } from './report.ts';

/** What many runs come to. */
export interface Tally {
  runs: number;
  virtualMs: number;
  events: number;
  promotions: number;
  acknowledged: number;
  readonly faults: Map<string, number>;
  readonly rules: Map<string, number>;
  /** Runs with a Patroni among the members, and which laws those broke in how many runs. */
  peerRuns: number;
  readonly peersOwn: Map<string, number>;
  /** Runs that found something, and what. */
  readonly broken: RunReport[];
  /** Runs in which an assumption of the laws was broken. */
  readonly classed: RunReport[];
}

export const blankTally = (): Tally => ({
  runs: 0,
  virtualMs: 0,
  events: 0,
  promotions: 0,
  acknowledged: 0,
  faults: new Map(),
  rules: new Map(),
  peerRuns: 0,
  peersOwn: new Map(),
  broken: [],
  classed: [],
});

export function count(tally: Tally, report: RunReport): void {
  tally.runs += 1;
  tally.virtualMs += report.virtualMs;
  tally.events += report.events;
  tally.promotions += report.promotions;
  tally.acknowledged += report.acknowledged;
  for (const [name, times] of Object.entries(report.faults))
    tally.faults.set(name, (tally.faults.get(name) ?? 0) + times);
  for (const [name, times] of Object.entries(report.rules)) tally.rules.set(name, (tally.rules.get(name) ?? 0) + times);
  if (report.peers > 0) tally.peerRuns += 1;
  for (const kind of new Set(report.peersOwn.map((finding) => finding.kind)))
    tally.peersOwn.set(kind, (tally.peersOwn.get(kind) ?? 0) + 1);
  if (report.broken.length > 0) tally.classed.push(report);
  if (report.findings.length > 0) tally.broken.push(report);
}

/** What the classed runs come to: how often, and the longest time of two primaries. */
export function classedIn({ classed }: Tally) {
  const all = classed.flatMap(({ broken }) => broken);
  return {
    runs: classed.length,
    times: all.length,
    longestTwoPrimariesMs: Math.max(0, ...all.map(({ twoPrimariesMs }) => twoPrimariesMs)),
  };
}
