import { type Better, type Spread, spreadOf } from './statistics.ts';
import {
  type AgentName,
  type AgentResult,
  type BenchResult,
  type ConnectionKind,
  connectionKinds,
  type FaultName,
  type Requests,
  type Route,
  routes,
} from './words.ts';

/** One line of the comparison, before it is text. */
export interface Figure {
  readonly section: string;
  readonly name: string;
  readonly unit: string;
  readonly decimals: number;
  readonly better: Better;
  readonly spreads: Readonly<Partial<Record<AgentName, Spread>>>;
  /** What our agent shall reach. */
  readonly target: Target | null;
}

export type Target =
  | { readonly kind: 'atMost'; readonly value: number }
  /** So many times what Patroni reaches. */
  | { readonly kind: 'times'; readonly value: number };

const sections: Readonly<Record<Route, string>> = {
  direct: 'write gap, connected directly',
  proxy: 'write gap, through HAProxy',
};
const faultTitles: Readonly<Record<FaultName, string>> = {
  switchover: 'switchover',
  'postmaster-kill': 'postmaster kill -9',
  'power-cut': 'power cut, etcd leader survives',
  'etcd-outage': 'etcd majority lost for ttl + 15 s',
  'disk-full': "primary's disk full for 60 s",
  'sync-standby-lost': 'synchronous standby, power cut',
};

export function figuresOf(result: BenchResult): readonly Figure[] {
  const { faults } = result.options;
  return [
    ...routes.flatMap((route) => faults.map((fault) => gapFigure(result, route, fault))),
    ...restFigures(result),
    ...requestFigures(result),
  ].filter(({ spreads }) => Object.keys(spreads).length > 0);
}

/** How many times better ours is; null: one of them was not measured, or is zero. */
export function ratioOf({ spreads, better }: Figure): number | null {
  const ours = spreads.matriarch?.median ?? 0;
  const theirs = spreads.patroni?.median ?? 0;
  if (ours === 0 || theirs === 0) return null;
  return better === 'less' ? theirs / ours : ours / theirs;
}

/** By the worst: a median that reaches a target while single runs miss it is named as such. Null: nothing to judge. */
export function judgeTarget(figure: Figure): 'reached' | 'reached by the median only' | 'missed' | null {
  const { target, spreads } = figure;
  const ours = spreads.matriarch;
  if (target === null || ours === undefined) return null;
  if (target.kind === 'times') {
    const ratio = ratioOf(figure);
    return ratio === null ? null : ratio >= target.value ? 'reached' : 'missed';
  }
  if (ours.worst <= target.value) return 'reached';
  return ours.median <= target.value ? 'reached by the median only' : 'missed';
}

function gapFigure(result: BenchResult, route: Route, fault: FaultName): Figure {
  const limits: Readonly<Record<FaultName, number | null>> = {
    switchover: 0.5,
    'postmaster-kill': 0.5,
    'power-cut': result.options.ttlS + 1,
    'etcd-outage': 0.5,
    'disk-full': null,
    'sync-standby-lost': result.options.ttlS + 3,
  };
  const limit = limits[fault];
  const target = route === 'direct' && limit !== null ? ({ kind: 'atMost', value: limit } as const) : null;
  const words = { section: sections[route], name: faultTitles[fault], unit: 's', decimals: 2, target };
  return figure(result, words, (agent) =>
    agent.runs.filter((run) => run.fault === fault).map(({ gapMs }) => gapMs[route] / 1_000),
  );
}

function restFigures(result: BenchResult): readonly Figure[] {
  const section = `at rest, ${result.options.restS} s, per node`;
  return [
    figure(
      result,
      { section, name: 'CPU a minute', unit: 's', decimals: 2, target: { kind: 'atMost', value: 0.5 } },
      ({ rest }) => rest.map(({ cpuSecondsPerMinute }) => cpuSecondsPerMinute),
    ),
    figure(
      result,
      { section, name: 'memory, PSS', unit: 'MB', decimals: 0, target: { kind: 'atMost', value: 120 } },
      ({ rest }) => rest.map(({ pssMb }) => pssMb),
    ),
    figure(result, { section, name: 'memory, nothing shared with other nodes', unit: 'MB', decimals: 0 }, ({ rest }) =>
      rest.map(({ aloneMb }) => aloneMb),
    ),
  ];
}

function requestFigures(result: BenchResult): readonly Figure[] {
  return connectionKinds.flatMap((kind) => loadFigures(result, kind));
}

const connectionTitles: Readonly<Record<ConnectionKind, string>> = {
  kept: 'GET /primary, 50 connections, kept where the server does',
  new: 'GET /primary, 50 connections, a new one each',
};

function loadFigures(result: BenchResult, kind: ConnectionKind): readonly Figure[] {
  const section = connectionTitles[kind];
  const of = (agent: AgentResult, value: (requests: Requests) => number) =>
    agent.requests === null ? [] : [value(agent.requests[kind])];
  // What a new connection costs is the kernel's and Node's: it is shown, and has no target.
  const target = kind === 'kept' ? ({ kind: 'times', value: 10 } as const) : null;
  return [
    figure(result, { section, name: 'a second', unit: '', decimals: 0, better: 'more', target }, (agent) =>
      of(agent, ({ requestsPerSecond }) => requestsPerSecond),
    ),
    figure(result, { section, name: "per second of the agent's CPU", unit: '', decimals: 0, better: 'more' }, (agent) =>
      of(agent, ({ perAgentCpuSecond }) => perAgentCpuSecond),
    ),
    figure(result, { section, name: 'half answered within', unit: 'ms', decimals: 1 }, (agent) =>
      of(agent, ({ p50Ms }) => p50Ms),
    ),
    figure(result, { section, name: '99 % answered within', unit: 'ms', decimals: 1 }, (agent) =>
      of(agent, ({ p99Ms }) => p99Ms),
    ),
  ];
}

function figure(
  { agents }: BenchResult,
  words: Omit<Figure, 'spreads' | 'better' | 'target'> & Partial<Pick<Figure, 'better' | 'target'>>,
  values: (agent: AgentResult) => readonly number[],
): Figure {
  const better = words.better ?? 'less';
  const spreads: Partial<Record<AgentName, Spread>> = {};
  for (const agent of agents) {
    const spread = spreadOf(values(agent), better);
    if (spread !== null) spreads[agent.agent] = spread;
  }
  return { ...words, better, target: words.target ?? null, spreads };
}
