import { isReadable } from '../codec/dcs/cluster.ts';
import { isObject, parseJson } from '../codec/dcs/json.ts';
import { revision } from '../model/units.ts';
import type { SeededChance } from './chance.ts';
import { etcdctlDelete, etcdctlPut, etcdctlReplace } from './etcdctl.ts';
import { type Fault, nothing } from './fault.ts';
import type { SimulatedCluster } from './words.ts';

/** What people write with their own hands where agents read: unreadable, of another kind, or by mistake. */

/** Nothing of it is what an agent writes: each must be told from "there is none", and what counted before goes on to count. */
const noObjects = ['', '{', 'null', '[]', '42', 'yes', '\u0000\uFFFD'];
const garbage = [...noObjects, '{"ttl": "soon"}', '{"leader": 7, "sync_standby": {}}', '{"n1": {"toString": {}}}'];

export const ofHand: readonly Fault[] = [
  {
    name: 'garbage put by hand',
    strike(c, n, chance) {
      // A Patroni takes what it cannot read for nothing.
      if (!allOurs(c)) return;
      const name = chance.pick(['sync', 'status', 'history', 'failover', 'failsafe', `members/${n}`]);
      const stood = readAt(c, name);
      if (etcdctlPut(c, name, chance.pick(garbage)) && stood?.readable !== false)
        spoilt.set(c, new Map(spoilt.get(c)).set(name, stood?.value ?? null));
    },
    mend: putBackForgotten,
  },
  {
    name: 'settings garbled by hand',
    strike: (c, _n, chance) => void (allOurs(c) && spoil(c, chance)),
    mend: putBack,
  },
  {
    name: 'policy changed',
    // The Patroni of this world knows none of them.
    strike: (c, n, chance) => void (allOurs(c) && c.ask(n, 'PATCH', '/config', JSON.stringify(chance.pick(policies)))),
    mend: nothing,
  },
];

const policies = [
  { failsafe_mode: true },
  { failsafe_mode: null },
  { primary_start_timeout: 0 },
  { primary_start_timeout: 5 },
  { primary_start_timeout: null },
  { primary_stop_timeout: 5 },
  { check_timeline: true },
  { member_slots_ttl: '5s' },
  { member_slots_ttl: null },
  { slots: { kept: { type: 'physical' } } },
  { slots: null },
  { postgresql: { use_slots: false } },
  { postgresql: { use_slots: null } },
  { postgresql: { parameters: { max_connections: 120 } } },
  { postgresql: { parameters: { max_connections: 80 } } },
];

const prefix = '/service/sim/';

const allOurs = (cluster: SimulatedCluster): boolean =>
  [...cluster.nodes.values()].every(({ runs }) => runs === 'matriarch');

/** What the keys held that somebody wrote over, of each run; null: there was none. */
const spoilt = new WeakMap<SimulatedCluster, ReadonlyMap<string, string | null>>();

function readAt({ etcd }: SimulatedCluster, name: string) {
  const key = `${prefix}${name}`;
  const found = etcd.store.range(key);
  const kv = found.kind === 'kvs' ? found.kvs[0] : undefined;
  return kv === undefined ? null : { ...kv, readable: isReadable(kv, prefix) };
}

/**
 * Agents put back what etcd remembers. Where it was compacted since, or nobody was there to look in time, whoever wrote over a
 * key must, and does, as soon as they are told.
 */
function putBackForgotten(cluster: SimulatedCluster): void {
  const left = new Map(spoilt.get(cluster));
  for (const [name, value] of left) {
    const now = readAt(cluster, name);
    if (now === null || now.readable) left.delete(name);
    else if (
      value === null ||
      cluster.etcd.store.range(now.key, undefined, revision(now.modRevision - 1n)).kind === 'error'
    )
      etcdctlReplace(cluster, now.key, now.modRevision, value);
  }
  spoilt.set(cluster, left);
  if (left.size > 0) cluster.engine.after(1000, () => putBackForgotten(cluster));
}

/** What /config said before, of each run where it is spoilt. */
const before = new WeakMap<SimulatedCluster, string>();

function spoil(cluster: SimulatedCluster, chance: SeededChance): void {
  const found = cluster.etcd.store.range('/service/sim/config');
  const text = found.kind === 'kvs' ? found.kvs[0]?.value : undefined;
  if (text === undefined || before.has(cluster)) return;
  const done = chance.happens(0.3)
    ? etcdctlDelete(cluster, 'config')
    : etcdctlPut(cluster, 'config', chance.pick(noObjects));
  if (done) before.set(cluster, text);
}

/** Whoever spoilt the settings puts them back, and looks whether they are there: what agents did with them meanwhile is seen then. */
export function putBack(cluster: SimulatedCluster): void {
  const text = before.get(cluster);
  if (text === undefined) return;
  const found = cluster.etcd.store.range('/service/sim/config');
  const now = found.kind === 'kvs' ? found.kvs[0]?.value : undefined;
  if (now !== undefined && isObject(parseJson(now))) return void before.delete(cluster);
  // Without a leader, or with one that nobody follows, nothing comes of it.
  etcdctlPut(cluster, 'config', text);
  cluster.engine.after(1000, () => putBack(cluster));
}
