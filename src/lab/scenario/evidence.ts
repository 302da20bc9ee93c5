import type { Entry } from '../../model/decision.ts';
import type { History, SharedMs } from '../../model/history.ts';
import type { ClientPath } from '../clients.ts';

/** Everything that was seen of one run of a scenario: plain values, from which the verdict is made, or made again. */
export interface Evidence {
  readonly scenario: string;
  readonly nodes: readonly string[];
  readonly ttlMs: number;
  /** The window that is judged: a while before the first step, until the clients were stopped. */
  readonly fromMs: SharedMs;
  readonly untilMs: SharedMs;
  readonly steps: readonly StepDone[];
  readonly primaryBefore: string;
  /** Null: nobody led in the end. */
  readonly primaryAfter: string | null;
  /** Writes and reads of the clients, writes and roles of the witnesses, rights and promotions, and what the last primary holds. */
  readonly history: History;
  readonly leaderKey: readonly KeySeen[];
  readonly journals: readonly JournalSeen[];
  /** After the last step; null: not within the limit. */
  readonly streamingAgainMs: number | null;
  readonly sideWork: readonly SideWork[];
  /** The whole lab at the end of the run, clients and witnesses included; null: it did not come to that. */
  readonly memoryMb: number | null;
  /** In that window, by kind, as each client counted them: connections that failed, too. */
  readonly errors: Readonly<Record<ClientPath, Readonly<Record<string, number>>>>;
  /** Why the run could not be finished or judged; null: it was. */
  readonly broken: string | null;
}

/** Pictures mark faults, remedies and acts; phases are counted from the first fault or act. */
export type Nature = 'fault' | 'remedy' | 'act' | 'calm';

export interface StepDone {
  readonly text: string;
  readonly nature: Nature;
  /** Machines that it was done to. */
  readonly nodes: readonly string[];
  readonly fromMs: SharedMs;
  readonly untilMs: SharedMs;
  /** Null: it went well. */
  readonly failed: string | null;
}

/** What a client did beside those that are measured, and what became of it. */
export type SideWork = (Transaction | Dump) & {
  /** The node that it was begun on. */
  readonly node: string;
  /** Its exit code, and when that was; null: it was under way still in the end, and was ended then. */
  readonly ended: { readonly code: number; readonly atMs: SharedMs } | null;
  /** Its last words. */
  readonly said: string;
};
export interface Transaction {
  readonly kind: 'transaction';
  /** The client was told that it is committed. */
  readonly committed: boolean;
  /** Its two rows, the first and the last thing that it did: how many of them the last primary holds. */
  readonly rows: number;
}
export interface Dump {
  readonly kind: 'dump';
  /** The last line that pg_dump writes is there. */
  readonly complete: boolean;
  /** Put into a database of its own in the end: what psql said against it, or null; also null when it did not end well. */
  readonly refused: string | null;
}

/** The leader key, as etcd told it; null: it is gone. */
export interface KeySeen {
  readonly atMs: SharedMs;
  readonly holder: string | null;
}

export interface JournalSeen {
  readonly node: string;
  /** By the clock of a shared kernel that never steps, whatever the agent's wall clock says. */
  readonly atMs: SharedMs;
  readonly entry: Entry;
}

/** A scenario that could not begin. */
export const notPlayed = (scenario: string, why: string): Evidence => ({
  scenario,
  nodes: [],
  ttlMs: 0,
  fromMs: 0,
  untilMs: 0,
  steps: [],
  primaryBefore: '',
  primaryAfter: null,
  history: [],
  leaderKey: [],
  journals: [],
  streamingAgainMs: null,
  sideWork: [],
  memoryMb: null,
  errors: { 'direct write': {}, 'proxied write': {}, 'direct read': {}, 'proxied read': {} },
  broken: why,
});
