import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, test } from 'node:test';
import { timeline } from '../../../src/model/units.ts';
import type { EtcdTransport } from '../../../src/model/world.ts';
import { makeEtcdTransport } from '../../../src/world/etcd/transport.ts';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { clock, makeNode, member, type Node } from './node.ts';

/** Who led last, as far as etcd still tells: the watch is not started here, as after a time without etcd. */

let etcd: TestEtcd;
const nodes: Node[] = [];
before(async () => {
  etcd = await startEtcd({ members: 1 });
});
after(() => etcd.stop());
afterEach(() => {
  for (const node of nodes.splice(0)) node.close();
});

let scopes = 0;
function start() {
  const scope = `vacancy${scopes++}`;
  const make = (name: string): Node => {
    const node = makeNode(name, etcd.urls, { scope });
    nodes.push(node);
    return node;
  };
  return make;
}
const vacancyOf = async (node: Node) => {
  const { cluster, vacancy } = await node.reach();
  assert.equal(cluster.leader, null);
  return vacancy;
};

test('a leader whose key was deleted while nobody looked is found by what it wrote, for whoever comes later', async () => {
  const make = start();
  const [a, b, c] = [make('a'), make('b'), make('c')];
  await a.lead();
  await b.reach();
  await a.dcs.release(null);
  const won = await c.lead();
  assert.ok(won.kind === 'done');
  await c.dcs.putAsLeader('status', '{"optime":7}', won.value.term);
  await c.meddle({ op: 'delete', key: c.keys.leader });
  for (const node of [b, make('d')]) {
    const vacancy = await vacancyOf(node);
    assert.deepEqual(
      [vacancy?.last.name, vacancy?.last.term, vacancy?.last.lease],
      ['c', won.value.term, won.value.lease],
    );
    assert.equal(vacancy?.released, false);
    assert.equal((await node.dcs.askLeaderLease()).kind, 'alive');
  }
});

test('a leader that wrote nothing but the timeline that came with its key is found by that', async () => {
  const make = start();
  const [a, b, c] = [make('a'), make('b'), make('c')];
  await a.lead();
  await b.reach();
  await a.dcs.release(null);
  await c.dcs.publishMember(member('c'), 3_000);
  const { cluster } = await c.reach();
  assert.equal((await c.dcs.acquire(cluster.revision, 3_000, { announce: timeline(2) })).kind, 'done');
  await c.meddle({ op: 'delete', key: c.keys.leader });
  assert.equal((await vacancyOf(b))?.last.name, 'c');
});

test('a key that was released while nobody looked was released', async () => {
  const make = start();
  const a = make('a');
  await a.lead();
  await a.dcs.release('{"optime":7}');
  const vacancy = await vacancyOf(make('b'));
  assert.deepEqual([vacancy?.last.name, vacancy?.released], ['a', true]);
});

test('who may have led meanwhile and is forgotten by etcd makes the last leader that was seen no answer', async () => {
  const make = start();
  const [a, b, c] = [make('a'), make('b'), make('c')];
  await a.lead();
  await b.reach();
  await a.dcs.release(null);
  const won = await c.lead();
  assert.ok(won.kind === 'done');
  await c.dcs.putAsLeader('status', '{"optime":7}', won.value.term);
  await c.meddle({ op: 'delete', key: c.keys.leader });
  const { cluster } = await c.reach();
  execFileSync('etcdctl', ['--endpoints', etcd.urls.join(','), 'compact', String(cluster.revision)], {
    stdio: 'ignore',
  });
  // One ttl is waited for from the first look on that could not tell; the time before counts for nothing, or it never ends.
  const askedMs = clock.now();
  const first = await b.reach();
  assert.equal(first.vacancy, null);
  assert.ok(first.sinceMs >= askedMs, 'what was seen before says nothing');
  assert.equal((await b.reach()).sinceMs, first.sinceMs);
});

test('a leader that comes while it is asked how the last one went makes that read an old one, and nothing worse', async () => {
  const real = makeEtcdTransport({ tls: null });
  let asksOfThePast = 0;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow: EtcdTransport = {
    ...real,
    async call(endpoint, call, ask, limitMs, token) {
      // Two ask who led last, two more how that one went.
      if (call === 'range' && 'revision' in ask && ++asksOfThePast > 2) await gate;
      return real.call(endpoint, call, ask, limitMs, token);
    },
  };
  const scope = `vacancy${scopes++}`;
  const a = makeNode('a', etcd.urls, { scope });
  const b = makeNode('b', etcd.urls, { scope, etcd: slow });
  nodes.push(a, b);
  await a.lead();
  await b.reach();
  await a.dcs.release('{"optime":7}');
  const asking = b.reach();
  while (asksOfThePast < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  await a.lead();
  assert.equal((await b.reach()).cluster.leader?.name, 'a');
  open();
  const old = await asking;
  assert.equal(old.vacancy, null);
  assert.equal(old.sinceMs, old.readMs);
});
