import { makeRehearsals } from '../../src/agent/rehearsals.ts';
import type { View } from '../../src/api/view.ts';
import type { AgentHandles, AskBody, Snapshot } from '../../src/model/agent.ts';
import type { AskAnswer } from '../../src/model/ask.ts';
import type { Cluster, DcsView } from '../../src/model/cluster.ts';
import type { Decision, Entry } from '../../src/model/decision.ts';
import type { PromiseAnswer, PromiseAsk } from '../../src/model/failsafe.ts';
import type { Incident } from '../../src/model/incident.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Load } from '../../src/model/rehearsal.ts';
import { noPast } from '../../src/model/rehearsal.ts';
import type { RepairReport } from '../../src/model/report.ts';
import { instantMs, revision } from '../../src/model/units.ts';
import { leading } from '../decide/values.ts';

/** A small working agent, as far as the API sees one: no loop, but etcd's keys and a mailbox that answers. */

export const now = leading.nowMs;

const decision = (seen: Observation): Decision => ({
  rule: 'leader.steady',
  reason: 'all is well',
  because: [],
  leaseRule: 'lease.renew',
  passed: [],
  actions: [],
  upkeep: [],
  answers: [],
  memory: seen.memory,
  wakeInMs: 10_000,
});

export const snapshotOf = (seen: Observation, change: Partial<Snapshot> = {}): Snapshot => ({
  seen,
  decision: decision(seen),
  cycle: 7,
  version: '0.1.0',
  withdrawn: null,
  nextCycleMs: instantMs(now + 10_000),
  dcsLastSeenWallMs: 1_795_398_133_400,
  dcsLastSeenMs: now,
  ...change,
});

export const viewOf = (seen: Observation, change: Partial<View> = {}, snapshot: Partial<Snapshot> = {}): View => ({
  snapshot: snapshotOf(seen, snapshot),
  nowMs: now,
  fenceDeadlineMs: seen.held?.deadlineMs ?? null,
  scope: 'demo',
  name: seen.settings.local.name,
  instance: 'abc',
  ...change,
});

export interface FakeAgent extends AgentHandles {
  readonly asked: AskBody[];
  readonly puts: { readonly key: string; readonly text: string; readonly seen: unknown }[];
  readonly wakes: string[];
  readonly promises: PromiseAsk[];
  tell(entry: Entry): void;
  /** As after a cycle. */
  publish(): void;
  /** How many are told of something. */
  readers(): number;
}

export interface FakeOptions {
  readonly answer?: (ask: AskBody) => AskAnswer | { readonly kind: 'timeout' };
  /** What etcd says, by the number of the read. */
  readonly read?: (nth: number, puts: FakeAgent['puts']) => DcsView;
  readonly put?: Awaited<ReturnType<AgentHandles['dcs']['put']>>;
  readonly entries?: readonly Entry[];
  readonly incidents?: readonly Incident[];
  readonly reports?: readonly RepairReport[];
  readonly load?: Load;
  readonly promise?: PromiseAnswer;
}

export const reachable = (cluster: Cluster): DcsView => ({
  kind: 'reachable',
  sinceMs: instantMs(now - 600_000),
  cluster,
  readMs: now,
  vacancy: null,
});

export function fakeAgent(seen: Observation, options: FakeOptions = {}): FakeAgent {
  const asked: AskBody[] = [];
  const puts: FakeAgent['puts'] = [];
  const wakes: string[] = [];
  const promises: PromiseAsk[] = [];
  const listeners = new Set<(entry: Entry) => void>();
  const watchers = new Set<() => void>();
  let reads = 0;
  return {
    asked,
    promises,
    puts,
    wakes,
    tell: (entry) => listeners.forEach((receive) => void receive(entry)),
    readers: () => listeners.size + watchers.size,
    publish: () => watchers.forEach((receive) => void receive()),
    snapshot: () => snapshotOf(seen),
    onSnapshot(receive) {
      watchers.add(receive);
      return () => watchers.delete(receive);
    },
    fenceDeadlineMs: () => seen.held?.deadlineMs ?? null,
    fencedByMembers: () => seen.held?.byMembers === true,
    now: () => now,
    wallMs: () => seen.wallMs,
    instance: 'abc',
    askPeers: () => {},
    promise: async (ask) => {
      promises.push(ask);
      return options.promise ?? { kind: 'accepted', lsn: null };
    },
    incidents: () => options.incidents ?? [],
    reports: () => options.reports ?? [],
    load: async () => options.load ?? null,
    rehearse: makeRehearsals({
      snapshot: () => snapshotOf(seen),
      marginMs: () => 5_000,
      past: () => noPast,
    }),
    wake: (reason) => void wakes.push(reason),
    journal: {
      recent: (limit) => (options.entries ?? []).slice(-limit),
      around: async () => options.entries ?? [],
      subscribe(receive) {
        listeners.add(receive);
        return () => listeners.delete(receive);
      },
    },
    mailbox: {
      async ask(ask) {
        asked.push(ask);
        return options.answer?.(ask) ?? { id: 1, kind: 'done', text: 'done' };
      },
    },
    dcs: {
      read: async () => options.read?.(reads++, puts) ?? seen.dcs,
      async put(key, text, at) {
        puts.push({ key, text, seen: at });
        return options.put ?? { kind: 'done', value: null, revision: revision(100n), sentMs: now };
      },
    },
  };
}
