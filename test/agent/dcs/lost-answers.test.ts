import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { later } from '../../../src/model/units.ts';
import type { EtcdTransport } from '../../../src/model/world.ts';
import { makeEtcdTransport } from '../../../src/world/etcd/transport.ts';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { clock, makeNode, type Node } from './node.ts';

let etcd: TestEtcd;
let node: Node | null = null;
before(async () => {
  etcd = await startEtcd({ members: 1 });
});
after(() => etcd.stop());
afterEach(() => node?.close());

type Fate = 'applied, answer lost' | 'never arrives' | 'arrives later' | 'not permitted';

/** A real transport on which the next transactions that write fare as told; `deaf`: those that only read are lost. */
function unlucky() {
  const real = makeEtcdTransport({ tls: null });
  const fates: Fate[] = [];
  const late: (() => Promise<unknown>)[] = [];
  let deaf = false;
  const transport: EtcdTransport = {
    ...real,
    async call(endpoint, call, ask, limitMs, token) {
      const send = () => real.call(endpoint, call, ask, limitMs, token);
      const writes = call === 'txn' && 'success' in ask && ask.success.some(({ op }) => op !== 'range');
      if (call === 'txn' && !writes && deaf) return { kind: 'lost', why: 'deaf' };
      const fate = writes ? fates.shift() : undefined;
      if (fate === undefined) return send();
      if (fate === 'applied, answer lost') await send();
      if (fate === 'arrives later') late.push(send);
      if (fate === 'not permitted') return { kind: 'error', code: 7, message: 'etcdserver: permission denied' };
      return { kind: 'lost', why: fate };
    },
  };
  return {
    transport,
    next: (...told: Fate[]) => void fates.push(...told),
    deaf(now: boolean): void {
      deaf = now;
    },
    forget: (): void => void fates.splice(0),
    /** What was on its way arrives now. */
    async arrive(): Promise<void> {
      for (const send of late.splice(0)) await send();
    },
  };
}

let scopes = 0;
function start() {
  const luck = unlucky();
  node = makeNode('a', etcd.urls, { scope: `lost${scopes++}`, etcd: luck.transport });
  return { ...node, luck };
}

test('an acquisition that meets its own first write has won [lesson 24]', async () => {
  const { dcs, luck, ...a } = start();
  await a.lead();
  await dcs.release(null);
  const { cluster } = await a.reach();
  luck.next('applied, answer lost');
  const won = await dcs.acquire(cluster.revision, 3_000);
  assert.ok(won.kind === 'done');
  assert.equal((await a.reach()).cluster.leader?.term, won.value.term);
  assert.equal((await dcs.renew()).kind, 'done');
});

test('an acquisition that was given up cannot succeed later: its lease is revoked', async () => {
  const { dcs, luck, ...a } = start();
  await a.lead();
  await dcs.release(null);
  const { cluster } = await a.reach();
  luck.next('arrives later', ...Array<Fate>(40).fill('never arrives'));
  assert.equal((await dcs.acquire(cluster.revision, 300)).kind, 'unknown');
  assert.equal(dcs.held(), null);
  const { transport } = unlucky();
  const b = makeNode('b', etcd.urls, { scope: a.keys.prefix.split('/')[2] ?? '', etcd: transport });
  await b.reach();
  await luck.arrive();
  assert.equal((await b.reach()).cluster.leader, null);
  b.close();
});

test('over a PostgreSQL that accepts writes an acquisition without an answer is not revoked: the next read shows it', async () => {
  const { dcs, luck, ...a } = start();
  await a.lead();
  await dcs.release(null);
  const { cluster } = await a.reach();
  luck.next('applied, answer lost', ...Array<Fate>(40).fill('never arrives'));
  luck.deaf(true);
  const writesUntilMs = later(clock.now(), 40_000);
  assert.equal((await dcs.acquire(cluster.revision, 300, { writesUntilMs })).kind, 'unknown');
  assert.equal(dcs.held(), null);
  luck.forget();
  luck.deaf(false);
  const { leader } = (await a.reach()).cluster;
  const held = dcs.held();
  assert.deepEqual(
    { lease: held?.lease, term: held?.term, proven: held?.proven },
    { lease: leader?.lease, term: leader?.term, proven: false },
  );
  assert.ok((held?.sentMs ?? 0) + (held?.ttlMs ?? 0) > writesUntilMs, 'it outlives what the guard would let happen');
  assert.equal((await dcs.renew()).kind, 'done');
  assert.equal(dcs.held()?.proven, true);
});

test('over a PostgreSQL that accepts writes an acquisition that arrives late is met when it is there', async () => {
  const { dcs, luck, ...a } = start();
  await a.lead();
  await dcs.release(null);
  const { cluster } = await a.reach();
  luck.next('arrives later', ...Array<Fate>(40).fill('never arrives'));
  assert.equal((await dcs.acquire(cluster.revision, 300, { writesUntilMs: clock.now() })).kind, 'unknown');
  assert.equal((await a.reach()).cluster.leader, null);
  assert.equal(dcs.held(), null);
  luck.forget();
  await luck.arrive();
  assert.equal((await a.reach()).cluster.leader?.lease, dcs.held()?.lease);
  assert.equal((await dcs.renew()).kind, 'done');
});

test('writes that meet their own first write are done; writes that never arrived are made [lesson 24]', async () => {
  const { dcs, luck, ...a } = start();
  const won = await a.lead();
  assert.ok(won.kind === 'done');
  for (const fate of ['applied, answer lost', 'never arrives'] as const) {
    luck.next(fate);
    assert.equal((await dcs.putAsLeader('status', `{"optime":${fate.length}}`, won.value.term)).kind, 'done', fate);
    assert.equal((await a.reach()).cluster.status?.optime, BigInt(fate.length));
    luck.next(fate);
    assert.equal((await dcs.claimInitialize()).kind, 'done', fate);
    const claimed = (await a.reach()).cluster.initialize;
    assert.ok(claimed.kind === 'bootstrapping');
    luck.next(fate);
    assert.equal((await dcs.dropInitialize(claimed.modRevision)).kind, 'done', fate);
    await dcs.put('failover', '{"member":"b"}', 'any');
    const asked = (await a.reach()).cluster.failover;
    assert.ok(asked !== null);
    luck.next(fate);
    assert.equal((await dcs.clearFailover(asked.modRevision)).kind, 'done', fate);
  }
  luck.next('applied, answer lost');
  assert.equal((await dcs.release('{"optime":99}')).kind, 'done');
  assert.ok((await a.reach()).vacancy?.released);
});

test('a release without an answer is in doubt: the renewal after it calls it off, and it changes nothing when it arrives', async () => {
  // That etcd refuses the second try says nothing of the first one.
  for (const then of [Array<Fate>(40).fill('never arrives'), ['not permitted'] as const]) {
    const { dcs, luck, ...a } = start();
    await a.lead();
    luck.next('arrives later', ...then);
    assert.notEqual((await dcs.release('{"optime":9}', 1_500)).kind, 'done');
    luck.forget();
    const doubted = dcs.held();
    assert.deepEqual([doubted?.releaseInDoubt, doubted?.proven], [true, false]);
    assert.ok(doubted !== null && dcs.extend(doubted.term, clock.now()) === null, 'no promise outlives it');
    assert.equal((await dcs.renew()).kind, 'done');
    assert.deepEqual([dcs.held()?.releaseInDoubt, dcs.held()?.proven], [undefined, true]);
    await luck.arrive();
    const { cluster } = await a.reach();
    assert.deepEqual([cluster.leader?.name, cluster.leader?.term, cluster.status], ['a', doubted.term, null]);
    assert.equal((await dcs.renew()).kind, 'done');
    assert.equal((await dcs.release('{"optime":10}')).kind, 'done');
    a.close();
  }
});

test('a key that is gone takes nothing from what the members promised, unless it was given away', async () => {
  for (const how of ['deleted by hand', 'released'] as const) {
    const { dcs, luck, ...a } = start();
    await a.lead();
    const held = dcs.held();
    await clock.sleep(5);
    assert.ok(held !== null && dcs.extend(held.term, clock.now())?.byMembers);
    if (how === 'released') {
      luck.next('arrives later', ...Array<Fate>(40).fill('never arrives'));
      assert.notEqual((await dcs.release(null, 300)).kind, 'done');
      luck.forget();
      await luck.arrive();
    } else await a.meddle({ op: 'delete', key: a.keys.leader });
    const renewed = await dcs.renew();
    assert.equal(renewed.kind, how === 'released' ? 'refused' : 'unknown');
    assert.equal(dcs.held()?.byMembers, how === 'released' ? undefined : true);
    a.close();
  }
});

test('a new life takes a release of the one before for under way, until it has written the key, or finds the primary at work', async () => {
  const { dcs, luck, ...a } = start();
  await a.lead();
  const before = dcs.held();
  assert.ok(before !== null);
  luck.next('arrives later', ...Array<Fate>(40).fill('never arrives'));
  await dcs.release(null, 300);
  luck.forget();
  const next = makeNode('a', etcd.urls, { scope: a.keys.prefix.split('/')[2] ?? '' });
  next.dcs.adopt(before);
  assert.equal(next.dcs.held()?.releaseInDoubt, true);
  await next.reach();
  assert.equal(next.dcs.held()?.releaseInDoubt, true, 'a read ends no doubt');
  assert.equal((await next.dcs.renew()).kind, 'done');
  assert.equal(next.dcs.held()?.releaseInDoubt, undefined);
  await luck.arrive();
  assert.equal((await next.reach()).cluster.leader?.term, before.term);
  next.dcs.adopt(before);
  next.dcs.noneReleasedBefore();
  assert.equal(next.dcs.held()?.releaseInDoubt, undefined);
  next.close();
});

test('a renewal whose check is lost moves nothing until one answers', async () => {
  const { dcs, luck, ...a } = start();
  await a.lead();
  const held = dcs.held();
  luck.deaf(true);
  const renewed = await dcs.renew(200);
  assert.ok(renewed.kind === 'unknown' || renewed.kind === 'unreachable');
  assert.deepEqual(dcs.held(), held);
  luck.deaf(false);
  assert.equal((await dcs.renew()).kind, 'done');
});

/** A leader whose move to another lease was sent and not answered. */
async function inTheMove() {
  const one = start();
  await one.lead();
  const first = one.dcs.held();
  one.setTtl(8_000);
  one.luck.next('arrives later', ...Array<Fate>(40).fill('never arrives'));
  const renewed = await one.dcs.renew(400);
  one.luck.forget();
  assert.ok(renewed.kind === 'done' && renewed.value.lease === first?.lease);
  return { ...one, first };
}

test('a move to another lease whose answer was lost is found by the next renewal', async () => {
  const { dcs, luck, reach, first } = await inTheMove();
  await luck.arrive();
  const renewed = await dcs.renew();
  assert.ok(renewed.kind === 'done' && renewed.value.lease !== first?.lease && renewed.value.ttlMs === 8_000);
  assert.equal((await reach()).cluster.leader?.lease, renewed.value.lease);
});

test('a move that is still on its way is called off before the deadline moves on', async () => {
  const { dcs, luck, reach, first } = await inTheMove();
  assert.equal((await dcs.renew()).kind, 'done');
  await luck.arrive();
  const { leader } = (await reach()).cluster;
  assert.equal(leader?.lease, dcs.held()?.lease);
  assert.equal(leader?.term, first?.term);
  assert.equal((await dcs.renew()).kind, 'done');
});
