import { pid, type Revision } from '../../model/units.ts';
import type { SeededChance } from '../chance.ts';
import type { Engine } from '../engine.ts';
import type { Machine } from '../machine.ts';
import type { Network } from '../network.ts';
import type { Program } from '../process.ts';
import { type EtcdBugs, noBugs } from './bugs.ts';
import { type Leases, makeLeases } from './leases.ts';
import { makeRaft, type Raft, type RaftMember } from './raft.ts';
import { type EtcdServer, makeServer } from './server.ts';
import { makeStore, type Store } from './store.ts';
import { makeStuck, type Stuck } from './stuck.ts';
import { makeWatches, type Watches } from './watch.ts';

/** The simulated etcd cluster: one member on each of the machines given. */
export interface SimulatedEtcd {
  readonly raft: Raft;
  readonly store: Store;
  readonly leases: Leases;
  readonly server: EtcdServer;
  readonly watches: Watches;
  readonly endpoints: readonly string[];
  readonly bugs: EtcdBugs;
  /** What was before that revision is forgotten. */
  compact(before: Revision): void;
  memberAt(endpoint: string): RaftMember | null;
  machineOf(member: RaftMember): Machine;
  start(host: string): void;
  kill(host: string): void;
  freeze(host: string): void;
  thaw(host: string): void;
  leader(): string | null;
  /** Hosts whose agents reach no member of etcd, nor are reached: a port that a firewall closed. */
  readonly shutOut: Set<string>;
  readonly stuck: Stuck;
}

export function makeEtcd(
  engine: Engine,
  chance: SeededChance,
  network: Network,
  machines: readonly Machine[],
): SimulatedEtcd {
  const store = makeStore();
  const members: RaftMember[] = machines.map((machine, i) => ({
    name: `etcd-${machine.name}`,
    host: machine.name,
    id: 0x8e9e05c52164694dn + BigInt(i),
    process: null,
    match: 0,
    applied: 0,
    follows: null,
  }));
  const raft = makeRaft(engine, chance, network, members);
  const bugs = noBugs();
  const leases = makeLeases(engine, chance, raft, store, bugs);
  const urlOf = (member: RaftMember): string => `http://${member.host}:2379`;
  const server = makeServer(raft, store, leases, urlOf);
  const watches = makeWatches(engine, chance.fork('watches'), raft, store, server, bugs);
  const of = (host: string): { member: RaftMember; machine: Machine } => {
    const member = members.find((one) => one.host === host);
    const machine = machines.find((one) => one.name === host);
    if (member === undefined || machine === undefined) throw new Error(`no etcd member on ${host}`);
    return { member, machine };
  };

  function start(host: string): void {
    const { member, machine } = of(host);
    if (member.process !== null) return;
    if (machine.suspended()) {
      machine.whenAwake(() => start(host));
      return;
    }
    const program: Program = (self) => {
      member.process = self;
      self.onSignal('TERM', () => self.exit(0));
      self.onEnd(() => {
        member.process = null;
        member.follows = null;
        raft.reassess();
      });
    };
    machine.processes.spawn({
      parent: pid(1),
      executable: '/usr/bin/etcd',
      start: { args: [], env: {}, input: '' },
      cwd: '/var/lib/etcd',
      program,
    });
    raft.reassess();
  }

  return {
    shutOut: new Set(),
    stuck: makeStuck(engine),
    raft,
    store,
    leases,
    server,
    watches,
    endpoints: members.map(urlOf),
    bugs,
    compact(before) {
      const lead = raft.leader();
      if (lead === null) return;
      raft.propose(
        lead,
        () => {
          store.compact(before);
          watches.compacted();
        },
        () => {},
      );
    },
    memberAt: (endpoint) => members.find((member) => urlOf(member) === endpoint) ?? null,
    machineOf: (member) => of(member.host).machine,
    start,
    kill: (host) => of(host).member.process?.signal('KILL'),
    freeze(host) {
      of(host).member.process?.signal('STOP');
      raft.reassess();
    },
    thaw(host) {
      of(host).member.process?.signal('CONT');
      raft.reassess();
    },
    leader: () => raft.leader()?.host ?? null,
  };
}
