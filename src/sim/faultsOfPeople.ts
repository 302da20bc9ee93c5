import { readTags } from '../codec/config/tags.ts';
import { parseJson } from '../codec/dcs/json.ts';
import type { SeededChance } from './chance.ts';
import { etcdctlDelete } from './etcdctl.ts';
import { type Fault, nothing, others } from './fault.ts';
import { places } from './settings.ts';
import { drawnFrom } from './unsynced.ts';
import type { SimulatedCluster } from './words.ts';

/** What people ask, and what they do with etcdctl: at bad times, too. */

const json = (value: object): string => JSON.stringify(value);
export const ofPeople: readonly Fault[] = [
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
      if (server?.inRecovery) server.replayStands = 'paused';
    },
    mend(c, n) {
      const server = c.server(n);
      if (server?.replayStands === 'paused') server.replayStands = null;
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
    // Half a copy, and then nobody at work on it; or its source is gone without a word.
    name: 'copy cut short',
    strike(c, n, chance) {
      if (!c.steady() || c.primary() === n) return;
      void c.ask(n, 'POST', '/reinitialize', json({ force: true }));
      const inMs = chance.between(0, 600);
      const blow = chance.pick(['power', 'power', 'agent', 'source'] as const);
      const lostMs = chance.between(1000, 20_000);
      onceCopying(c, n, 100, () => c.engine.after(inMs, () => cutShort(c, n, blow, { lostMs, chance })));
    },
    mend: nothing,
  },
  {
    name: 'ttl changed',
    strike: (c, n, chance) => void c.ask(n, 'PATCH', '/config', json(chance.pick(timings))),
    mend: nothing,
  },
  {
    // In its file, which counts from the next reload on, or from the next agent.
    name: 'tags changed',
    strike(c, n, chance) {
      const drawn = chance.pick([...tags, { replicatefrom: chance.pick(others(c, n)) }]);
      if (c.node(n).runs === 'matriarch') changeTags(c, n, drawn);
    },
    mend: removeTags,
  },
  {
    // Never to none: what may be lost then no law of this run could tell.
    name: 'synchronous settings changed',
    strike(c, n, chance) {
      if (isSet(c, 'synchronous_mode')) void c.ask(n, 'PATCH', '/config', json(chance.pick(synchronous)));
    },
    mend: nothing,
  },
];

/** By the mark that the agent leaves; after so many looks nobody waits for it any more. */
function onceCopying(cluster: SimulatedCluster, name: string, looks: number, go: () => void): void {
  const { machine } = cluster.node(name);
  const marker = machine.disk.get(`${places.stateDir}/job.json`);
  if (marker?.kind === 'file' && marker.text.includes('"basebackup"')) go();
  else if (looks > 0) cluster.engine.after(50, () => onceCopying(cluster, name, looks - 1, go));
}

function cutShort(
  cluster: SimulatedCluster,
  name: string,
  blow: 'power' | 'agent' | 'source',
  { lostMs, chance }: { readonly lostMs: number; readonly chance: SeededChance },
): void {
  const victim = blow === 'source' ? cluster.primary() : name;
  if (victim === null || !cluster.node(victim).machine.powered()) return;
  cluster.tell(victim, `the copy of ${name} is cut short: ${blow}`);
  if (blow === 'agent') {
    cluster.agent(victim).kill();
    return;
  }
  cluster.powerOff(victim, drawnFrom(chance));
  cluster.engine.after(lostMs, () => void (cluster.node(victim).machine.powered() || cluster.powerOn(victim)));
}

const tags = [
  { nofailover: true },
  { nofailover: true, nosync: true },
  { nosync: true },
  { failover_priority: 0 },
  { failover_priority: 2 },
  { sync_priority: 2 },
];

const synchronous = [
  { synchronous_mode: true },
  { synchronous_mode: 'quorum' },
  { synchronous_mode_strict: true },
  { synchronous_mode_strict: null },
  { synchronous_node_count: 2 },
  { synchronous_node_count: null },
  { maximum_lag_on_syncnode: 200 },
  { maximum_lag_on_syncnode: null },
];

function changeTags(cluster: SimulatedCluster, name: string, drawn: Readonly<Record<string, unknown>>): void {
  const node = cluster.node(name);
  node.edit((file) => ({ ...file, tags: readTags(drawn, () => {}) }));
  node.signal('agent', 'HUP');
}

/** Whoever tagged a node takes that back. */
export function removeTags(cluster: SimulatedCluster, name: string): void {
  const node = cluster.node(name);
  if (node.runs === 'matriarch' && Object.keys(node.file().tags.published).length > 0) changeTags(cluster, name, {});
}

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
      if (leader !== null && isSet(c, 'pause')) c.agent(leader).freeze();
    },
    mend: nothing,
  },
];

/** By /config. */
function isSet(cluster: SimulatedCluster, setting: string): boolean {
  const found = cluster.etcd.store.range('/service/sim/config');
  const config = parseJson((found.kind === 'kvs' ? found.kvs[0]?.value : undefined) ?? '{}');
  return Boolean((config as Record<string, unknown> | null | undefined)?.[setting]);
}
