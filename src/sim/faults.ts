import { ambush } from './ambush.ts';
import type { SeededChance } from './chance.ts';
import type { SimulatedCluster } from './cluster.ts';
import { etcdctlDelete } from './etcdctl.ts';
import { places } from './settings.ts';
import { drawnFrom } from './unsynced.ts';

/** One fault: what it does to which node, and how it ends. Asks of people are among them: they come at bad times, too. */
export interface Fault {
  readonly name: string;
  strike(cluster: SimulatedCluster, node: string, chance: SeededChance): void;
  mend(cluster: SimulatedCluster, node: string): void;
}

const nothing = (): void => {};
const others = (cluster: SimulatedCluster, node: string): readonly string[] =>
  [...cluster.nodes.keys()].filter((name) => name !== node);

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
      if (!c.steady()) return;
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

const json = (value: object): string => JSON.stringify(value);
const ofPeople: readonly Fault[] = [
  {
    name: 'switchover asked',
    strike(c, n, chance) {
      const leader = c.primary();
      if (leader === null) return;
      const candidate = chance.happens(0.5) ? chance.pick(others(c, leader)) : undefined;
      void c.ask(n, 'POST', '/switchover', json({ leader, candidate }));
    },
    mend: nothing,
  },
  {
    name: 'switchover scheduled',
    strike(c, n, chance) {
      const leader = c.primary();
      if (leader === null) return;
      const at = new Date(c.node(n).machine.clock.wall() + chance.between(2000, 30_000)).toISOString();
      void c.ask(n, 'POST', '/switchover', json({ leader, scheduled_at: at }));
    },
    mend: nothing,
  },
  {
    name: 'leader key deleted by hand',
    strike: (c) => void etcdctlDelete(c, 'leader'),
    mend: nothing,
  },
  {
    name: 'restart asked',
    strike: (c, n) => void c.ask(n, 'POST', '/restart', '{}'),
    mend: nothing,
  },
  {
    name: 'restart scheduled',
    strike(c, n, chance) {
      const at = new Date(c.node(n).machine.clock.wall() + chance.between(2000, 30_000)).toISOString();
      void c.ask(n, 'POST', '/restart', json({ schedule: at }));
    },
    mend: (c, n) => void c.ask(n, 'DELETE', '/restart', ''),
  },
  {
    name: 'replay paused by hand',
    strike(c, n) {
      const server = c.server(n);
      if (server?.inRecovery) server.replayPaused = true;
    },
    mend(c, n) {
      const server = c.server(n);
      if (server !== null) server.replayPaused = false;
    },
  },
  { name: 'reload asked', strike: (c, n) => void c.ask(n, 'POST', '/reload', ''), mend: nothing },
  {
    // What tells who the cluster is, and where its history went, is deleted only where somebody leads who writes it again: to
    // forget it in the middle of a failover is beyond any cluster.
    name: 'some keys deleted by hand',
    strike(c, n, chance) {
      const more = [
        ['initialize'],
        ['initialize', 'leader'],
        ['history'],
        ['leader', 'timeline', 'history', 'failover'],
      ];
      const keys = [['failover'], [`members/${n}`], ...(c.steady() ? more : [])];
      etcdctlDelete(c, ...chance.pick(keys));
    },
    mend: nothing,
  },
  {
    name: 'reinitialize asked',
    strike: (c, n) => void (c.steady() && c.ask(n, 'POST', '/reinitialize', json({ force: true }))),
    mend: nothing,
  },
  {
    name: 'ttl changed',
    strike: (c, n, chance) => void c.ask(n, 'PATCH', '/config', json(chance.pick(timings))),
    mend: nothing,
  },
];

/** The last one does not fit what goes with it: agents then look every second, as Patroni does. */
const timings = [
  { ttl: 20, loop_wait: 5, retry_timeout: 5 },
  { ttl: 25, loop_wait: 5, retry_timeout: 10 },
  { ttl: 30, loop_wait: 10, retry_timeout: 10 },
  { ttl: 45, loop_wait: 15, retry_timeout: 15 },
  { ttl: 60, loop_wait: 20, retry_timeout: 20 },
  { ttl: 20 },
];

/** In pause people answer for what runs where, and a primary goes on without a lease: for runs of their own. */
export const faultsOfPause: readonly Fault[] = [
  {
    name: 'paused',
    strike: (c, n) => void c.ask(n, 'PATCH', '/config', json({ pause: true })),
    mend: (c, n) => void c.ask(n, 'PATCH', '/config', json({ pause: null })),
  },
  {
    // Its guard is disarmed, and it stays silent over the end of the pause.
    name: 'agent of the paused primary frozen',
    strike(c) {
      const leader = c.primary();
      if (leader !== null && isPaused(c)) c.agent(leader).freeze();
    },
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
];

function isPaused(cluster: SimulatedCluster): boolean {
  const found = cluster.etcd.store.range('/service/sim/config');
  return found.kind === 'kvs' && /"pause": ?true/.test(found.kvs[0]?.value ?? '');
}

/** Of one node, at the worst moment. */
const sudden = [...ofProcesses, ...ofEtcd, ...ofMachines].filter(({ name }) =>
  ['postmaster killed', 'postmaster frozen', 'agent killed', 'agent frozen', 'agent and guardian frozen']
    .concat(['etcd frozen', 'isolated', 'one-way cut', 'power cut', 'suspended', 'disk hangs', 'disk stalls'])
    .includes(name),
);
const reaching = [...ofEtcd, ...ofMachines].filter(({ name }) =>
  ['etcd frozen', 'etcd majority frozen', 'etcd killed', 'one-way cut', 'isolated', 'network slow'].includes(name),
);
const ambushes = [ambush('key taken', sudden), ambush('job step', sudden), ambush('key gone', reaching)];

export const faults: readonly Fault[] = [...ofProcesses, ...ofEtcd, ...ofMachines, ...ofPeople, ...ambushes];
