import type { Entry } from '../model/decision.ts';
import type { History } from '../model/history.ts';
import type { setApart } from '../model/laws/lapses.ts';
import type { Violation } from '../model/laws.ts';
import type { SeededChance } from './chance.ts';
import type { Engine } from './engine.ts';
import type { SimulatedEtcd } from './etcd/etcd.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';
import type { Network } from './network.ts';
import type { SimulatedNode } from './node.ts';
import type { Instance, PostgresWorld } from './postgres/instance.ts';
import type { Keeps } from './unsynced.ts';

/** A line of the world: what a machine, a server, the nemesis or a person did. */
export interface Told {
  readonly atMs: number;
  readonly node: string;
  readonly text: string;
}

/** A whole cluster in virtual time, and the words in which a scenario is told. */
export interface SimulatedCluster {
  readonly engine: Engine;
  readonly chance: SeededChance;
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  readonly postgresWorld: PostgresWorld;
  readonly nodes: ReadonlyMap<string, SimulatedNode>;
  node(name: string): SimulatedNode;
  run(ms: number): Promise<void>;
  /** Throws with the end of the story when it does not come true in time. */
  until(holds: () => boolean, options: { readonly withinMs: number }): Promise<void>;
  /** One primary, and everybody else streams from it. */
  untilSteady(withinMs?: number): Promise<SimulatedCluster>;
  steady(): boolean;
  /** The one node whose PostgreSQL accepts writes; null: none, or several. */
  primary(): string | null;
  primaries(): readonly string[];
  timeline(): number | null;
  server(name: string): Instance | null;
  postgres(name: string): { kill(signal?: string): void };
  agent(name: string): {
    /** Started again by the service manager after `restartAfterMs` (1 s); null: it stays down. */
    kill(options?: { readonly restartAfterMs: number | null }): void;
    freeze(): void;
    thaw(): void;
    start(): void;
  };
  guardian(name: string): { kill(): void; freeze(): void; thaw(): void };
  /** What an operator does at that node: a request to its own REST API. Null: no answer within 60 s. */
  ask(name: string, method: HttpRequest['method'], path: string, body?: string): Promise<HttpAnswer | null>;
  /** What was not synced may be lost: how much of it is drawn from the run's seed, unless it is said. */
  powerOff(name: string, keeps?: Keeps): void;
  powerOn(name: string): void;
  /** The whole machine stands still, and then goes on as if nothing had been; CLOCK_BOOTTIME knows. */
  suspend(name: string): void;
  wake(name: string): void;
  /** The rules that decided on a node since the scenario's last mark, without repetitions in a row. */
  rulesOf(name: string): readonly string[];
  mark(): void;
  journal(name: string): readonly Entry[];
  history(): History;
  /** Whether the write that was acknowledged last was sent after that. */
  writesSince(ms: number): boolean;
  /** `lossMs`: the age of the acknowledged writes of a reign that may be lost with its end; 0: none may, as synchronous mode promises. */
  violations(lossMs?: number): readonly Violation[];
  /** The same, without what is excused by a time in which no guard of a node ran; and those times. */
  judged(lossMs?: number): ReturnType<typeof setApart>;
  /** Standbys whose log is not a beginning of the primary's: silently different data, which no PostgreSQL notices. */
  corrupted(): readonly string[];
  /** By promotions, also by such as ended half way; in their order. */
  timelinesBegun(): readonly { readonly node: string; readonly timeline: number }[];
  /** A line of the story. */
  tell(name: string, text: string): void;
  /** What the world did, in the order of the run. */
  told(): readonly Told[];
  /** All that happened, a line each: equal for equal seeds. */
  story(): string;
}
