/** What is measured of an agent, and what comes out: plain values, so that the table can be drawn from a file as well. */

export const agentNames = ['matriarch', 'patroni'] as const;
export type AgentName = (typeof agentNames)[number];
export const isAgentName = (text: string): text is AgentName => agentNames.some((name) => name === text);

export const faultNames = [
  'switchover',
  'postmaster-kill',
  'power-cut',
  'etcd-outage',
  'disk-full',
  'sync-standby-lost',
] as const;
export type FaultName = (typeof faultNames)[number];
export const isFaultName = (text: string): text is FaultName => faultNames.some((name) => name === text);

export interface BenchOptions {
  readonly agents: readonly AgentName[];
  readonly faults: readonly FaultName[];
  /** How often each fault is made. */
  readonly times: number;
  readonly ttlS: number;
  /** How long agents are watched at rest. */
  readonly restS: number;
  /** Folder for the logs of each lab, which otherwise go with it. */
  readonly keepLogs: string | null;
}

export const routes = ['direct', 'proxy'] as const;
/** How a client reaches the primary: by a list of hosts, or through HAProxy. */
export type Route = (typeof routes)[number];

/** What became of the writes of both clients, counted against what the primary held afterwards. */
export interface WriteCounts {
  readonly acknowledged: number;
  readonly failed: number;
  readonly unknown: number;
  /** Acknowledged and gone: asynchronous standbys allow it in a power cut. */
  readonly lost: number;
  readonly doubled: number;
  /** Two nodes acknowledged writes at the same time. */
  readonly splitBrains: number;
}

/** A fault, once. */
export interface FaultRun {
  readonly fault: FaultName;
  readonly gapMs: Readonly<Record<Route, number>>;
  readonly writes: WriteCounts;
}

/** What the agent's processes of one node take while nothing happens. */
export interface Rest {
  readonly node: string;
  readonly processes: number;
  readonly cpuSecondsPerMinute: number;
  readonly pssMb: number;
  /** The machines of a lab share the pages of one program file, and PSS divides by that: this is the figure of a machine of its own. */
  readonly aloneMb: number;
}

export interface Load {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 200, and connections without one. */
  readonly failed: number;
}

export const connectionKinds = ['kept', 'new'] as const;
/** Whether a client keeps its connection, where the server does, or makes a new one for each request, as HAProxy's checks do. */
export type ConnectionKind = (typeof connectionKinds)[number];

/** The load, and what it cost the agent. */
export interface Requests extends Load {
  readonly perAgentCpuSecond: number;
  readonly seconds: number;
}

export interface AgentResult {
  readonly agent: AgentName;
  /** Of Patroni, as it says itself; ours tells in this place which Patroni it is compatible with. */
  readonly version: string | null;
  readonly rest: readonly Rest[];
  readonly requests: Readonly<Record<ConnectionKind, Requests>> | null;
  readonly runs: readonly FaultRun[];
}

export interface BenchResult {
  readonly options: BenchOptions;
  readonly cores: number;
  /** Other labs that ran at the same time: figures are of little worth then. */
  readonly otherLabs: number;
  readonly agents: readonly AgentResult[];
}

/** Tells of progress: one line for people. */
export type Say = (line: string) => void;
