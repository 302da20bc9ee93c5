import { tellBroken } from '../model/laws/lapses.ts';
import type { Finding } from './findings.ts';
import type { RunAccount, RunPlan } from './run.ts';
import { storyOf, storyText } from './story.ts';

/** What is left of a run when its cluster is gone: plain data, fit to be sent from a worker. */
export interface RunReport {
  readonly plan: RunPlan;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly members: number;
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each rule decided. */
  readonly rules: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** How many of its members were Patronis, and what those broke: it says nothing of our agents. */
  readonly peers: number;
  readonly peersOwn: readonly Finding[];
  /** Where what the laws rest on did not hold: the run is of that class, whatever else was found. */
  readonly broken: readonly ToldBroken[];
  readonly virtualMs: number;
  readonly events: number;
  readonly promotions: number;
  readonly acknowledged: number;
  /** The lines of its story before the first finding showed; of its end, where only that shows it. */
  readonly lastLines: readonly string[];
}

/** An assumption that was broken, in words, and for how long there were two primaries. */
export interface ToldBroken {
  readonly text: string;
  readonly twoPrimariesMs: number;
}

const linesKept = 25;

export function reportOf(account: RunAccount): RunReport {
  const { cluster, plan, settings, findings, peersOwn, virtualMs, events, promotions, acknowledged, strikes, broken } =
    account;
  return {
    plan,
    settings,
    members: cluster.nodes.size,
    faults: countBy(strikes.map(({ fault }) => fault)),
    rules: countBy(
      [...cluster.nodes.values()].flatMap(({ journal }) =>
        journal.flatMap((entry) => (entry.kind === 'decided' ? [entry.rule] : [])),
      ),
    ),
    findings,
    peers: [...cluster.nodes.values()].filter(({ runs }) => runs === 'patroni').length,
    peersOwn,
    broken: broken.map((one) => ({ text: tellBroken(one), twoPrimariesMs: one.twoPrimariesMs })),
    virtualMs,
    events,
    promotions,
    acknowledged,
    lastLines: findings.length === 0 ? [] : linesBefore(account),
  };
}

/** Endpoints that are put last say little of what went wrong, and there are many of them. */
const chatter = /^an etcd endpoint is put last|^the etcd watch goes to another endpoint/;

function linesBefore({ cluster, findings }: RunAccount): readonly string[] {
  const shown = findings.flatMap(({ atMs }) => (atMs === null ? [] : [atMs]));
  const untilMs = Math.min(...shown) + 1; // endless, where nothing showed before the end
  return storyOf(cluster)
    .filter(({ atMs, text }) => atMs <= untilMs && !chatter.test(text))
    .slice(-linesKept)
    .map(storyText);
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
