import { readSync } from '../codec/dcs/sync.ts';
import { ambush } from './ambush.ts';
import { type Fault, nothing, others } from './fault.ts';
import { ofHand } from './faultsOfHand.ts';
import { ofPeople } from './faultsOfPeople.ts';
import { rollBackDisk } from './rolledBack.ts';
import { places } from './settings.ts';
import { stuckWrite } from './stuckWrite.ts';
import { drawnFrom } from './unsynced.ts';
import type { SimulatedCluster } from './words.ts';

/** In synchronous mode: another has every commit that was acknowledged. */
function isSpared(cluster: SimulatedCluster, name: string): boolean {
  const found = cluster.etcd.store.range('/service/sim/sync');
  const kv = found.kind === 'kvs' ? found.kvs[0] : undefined;
  const sync = kv === undefined ? null : readSync(kv.value);
  return sync === null || [sync.leader, ...sync.members].some((one) => one !== null && one !== name);
}

const ofProcesses: readonly Fault[] = [
  { name: 'postmaster killed', strike: (c, n) => c.postgres(n).kill(), mend: nothing },
  {
    // Not without its sentinel, and that one is not killed over it: a frozen postmaster does not hear of the death, and with
    // agent and guardian frozen as well nobody would be left to act, which is outside the law.
    name: 'postmaster frozen',
    strike: (c, n) => void (c.node(n).stateOf('sentinel') === 'running' && c.node(n).signal('postgres', 'STOP')),
    mend: (c, n) => void c.node(n).signal('postgres', 'CONT'),
  },
  {
    name: 'sentinel killed',
    strike: (c, n) => void (c.node(n).stateOf('postgres') === 'running' && c.node(n).signal('sentinel', 'KILL')),
    mend: nothing,
  },
  { name: 'agent killed', strike: (c, n) => c.agent(n).kill(), mend: nothing },
  {
    name: 'agent down',
    strike: (c, n) => c.agent(n).kill({ restartAfterMs: null }),
    mend(c, n) {
      c.node(n).restartAgentAfterMs = 1000;
      c.agent(n).start();
    },
  },
  // As a service manager restarts it: PostgreSQL goes first, the key is handed over, and a second later all begins anew.
  { name: 'agent stopped', strike: (c, n) => void c.node(n).signal('agent', 'TERM'), mend: nothing },
  { name: 'agent frozen', strike: (c, n) => c.agent(n).freeze(), mend: (c, n) => c.agent(n).thaw() },
  { name: 'guardian killed', strike: (c, n) => c.guardian(n).kill(), mend: nothing },
  { name: 'guardian frozen', strike: (c, n) => c.guardian(n).freeze(), mend: (c, n) => c.guardian(n).thaw() },
  {
    name: 'agent and guardian killed',
    strike(c, n) {
      c.agent(n).kill();
      c.guardian(n).kill();
    },
    mend: nothing,
  },
  {
    name: 'agent and guardian frozen',
    strike(c, n) {
      c.agent(n).freeze();
      c.guardian(n).freeze();
    },
    mend(c, n) {
      c.agent(n).thaw();
      c.guardian(n).thaw();
    },
  },
];

const ofEtcd: readonly Fault[] = [
  { name: 'etcd killed', strike: (c, n) => c.etcd.kill(n), mend: (c, n) => c.etcd.start(n) },
  { name: 'etcd frozen', strike: (c, n) => c.etcd.freeze(n), mend: (c, n) => c.etcd.thaw(n) },
  {
    // The members reach one another, and streams go on, but one agent has no etcd.
    name: 'shut out from etcd',
    strike: (c, n) => void c.etcd.shutOut.add(n),
    mend: (c, n) => void c.etcd.shutOut.delete(n),
  },
  {
    // Whoever still has etcd and does not hear of the primary could take its place. In failsafe mode it may have promised not to by
    // then, and its agent begin anew.
    name: 'primary shut out and out of sight',
    strike(c, n, chance) {
      const primary = c.primary() ?? n;
      const other = chance.pick(others(c, primary));
      c.etcd.shutOut.add(primary);
      function goOutOfSight(): void {
        c.network.cut(primary, other);
        c.network.cut(other, primary);
      }
      if (chance.happens(0.5)) return goOutOfSight();
      c.engine.after(chance.between(2000, 40_000), () => {
        if (!c.etcd.shutOut.has(primary)) return;
        goOutOfSight();
        c.agent(other).kill();
      });
    },
    mend(c) {
      c.etcd.shutOut.clear();
      c.network.heal();
    },
  },
  {
    name: 'etcd majority frozen',
    strike(c, n, chance) {
      c.etcd.freeze(n);
      c.etcd.freeze(chance.pick(others(c, n)));
    },
    mend: (c) => {
      for (const name of c.nodes.keys()) c.etcd.thaw(name);
    },
  },
  {
    name: 'etcd majority killed',
    strike(c, n, chance) {
      c.etcd.kill(n);
      c.etcd.kill(chance.pick(others(c, n)));
    },
    mend: (c) => {
      for (const { name, machine } of c.nodes.values()) if (machine.powered()) c.etcd.start(name);
    },
  },
  {
    // Some frozen proxy, or a member that is cut off with them in hand: when it goes on, each is carried out, sooner or later, and
    // nobody hears of it.
    name: 'requests to etcd stuck',
    strike(c, n, chance) {
      const victim = chance.happens(0.7) ? (c.primary() ?? n) : n;
      c.etcd.stuck.hold(victim);
    },
    mend: (c) => c.etcd.stuck.letGo(() => c.chance.between(0, 20_000)),
  },
  stuckWrite,
];

const ofMachines: readonly Fault[] = [
  { name: 'isolated', strike: (c, n) => c.network.isolate(n), mend: (c) => c.network.heal() },
  {
    name: 'one-way cut',
    strike(c, n, chance) {
      const other = chance.pick(others(c, n));
      if (chance.happens(0.5)) c.network.cut(n, other);
      else c.network.cut(other, n);
    },
    mend: (c) => c.network.heal(),
  },
  { name: 'power cut', strike: (c, n, chance) => c.powerOff(n, drawnFrom(chance)), mend: (c, n) => c.powerOn(n) },
  {
    name: 'suspended',
    strike: (c, n) => c.suspend(n),
    mend: (c, n) => void (c.node(n).machine.suspended() && c.wake(n)),
  },
  {
    // Only when the others hold all there is: to lose every copy in turn is beyond any cluster.
    name: 'machine replaced',
    strike(c, n, chance) {
      if (!c.steady() || !isSpared(c, n)) return;
      c.powerOff(n, drawnFrom(chance));
      const { disk } = c.node(n).machine;
      for (const place of [places.dataDir, `${places.stateDir}/guard.json`]) {
        disk.remove(place);
        disk.sync(place);
      }
    },
    mend: (c, n) => c.powerOn(n),
  },
  {
    name: 'disk stalls',
    strike(c, n, chance) {
      c.node(n).machine.fsyncMs = chance.between(100, 4000);
    },
    mend(c, n) {
      c.node(n).machine.fsyncMs = 0.1;
    },
  },
  {
    name: 'flushes stall',
    strike(c, n) {
      c.node(n).machine.flushStalls = true;
    },
    mend(c, n) {
      c.node(n).machine.flushStalls = false;
    },
  },
  {
    name: 'disk hangs',
    strike(c, n) {
      c.node(n).machine.diskHangs = true;
    },
    mend(c, n) {
      c.node(n).machine.diskHangs = false;
    },
  },
  {
    // The loop stalls, and the guard behind it, too: the dead-man switch alone is left, before the sentinel.
    name: 'disk hangs, guardian frozen',
    strike(c, n) {
      c.node(n).machine.diskHangs = true;
      c.guardian(n).freeze();
    },
    mend(c, n) {
      c.node(n).machine.diskHangs = false;
      c.guardian(n).thaw();
    },
  },
  {
    name: 'network slow',
    strike: (c, _, chance) => c.network.tune({ delayMs: [20, chance.between(40, 400)], loss: chance.between(0, 0.2) }),
    mend: (c) => c.network.tune({ delayMs: [0.1, 0.6], loss: 0 }),
  },
  {
    name: 'clock stepped',
    strike: (c, n, chance) => c.node(n).machine.clock.stepWall(Math.round(chance.between(-3.6e6, 3.6e6))),
    mend: nothing,
  },
];

/** What no law promises to survive: runs that have it are classed. */
export const faultsBeyond: readonly Fault[] = [
  {
    name: 'all guards frozen',
    strike(c, n) {
      for (const role of ['agent', 'guardian', 'sentinel'] as const) c.node(n).signal(role, 'STOP');
    },
    mend(c, n) {
      for (const role of ['agent', 'guardian', 'sentinel'] as const) c.node(n).signal(role, 'CONT');
    },
  },
  {
    name: 'disk rolled back',
    strike: (c, n, chance) => void rollBackDisk(c, c.primary() ?? n, 1 + chance.below(20)),
    mend: nothing,
  },
];

/** Of one node, at the worst moment. */
const sudden = [...ofProcesses, ...ofEtcd, ...ofMachines].filter(({ name }) =>
  ['postmaster killed', 'postmaster frozen', 'agent killed', 'agent frozen', 'agent and guardian frozen']
    .concat([
      'etcd frozen',
      'shut out from etcd',
      'isolated',
      'one-way cut',
      'power cut',
      'suspended',
      'disk hangs',
      'disk stalls',
    ])
    .includes(name),
);
const reaching = [...ofEtcd, ...ofMachines].filter(({ name }) =>
  [
    'etcd frozen',
    'shut out from etcd',
    'etcd majority frozen',
    'etcd killed',
    'one-way cut',
    'isolated',
    'network slow',
  ].includes(name),
);
const ambushes = [ambush('key taken', sudden), ambush('job step', sudden), ambush('key gone', reaching)];

export const faults: readonly Fault[] = [...ofProcesses, ...ofEtcd, ...ofMachines, ...ofPeople, ...ofHand, ...ambushes];
