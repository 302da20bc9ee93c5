import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type EtcdMember, startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { freeze as freezeAll } from '../../support/frozen.ts';
import { clock, makeNode, member, type Node, until } from './node.ts';

/** Members of etcd that stand still, or are killed: what a call, a renewal and the watch make of it. */

let etcd: TestEtcd;
const nodes: Node[] = [];
const frozen: EtcdMember[] = [];
before(async () => {
  etcd = await startEtcd({ members: 3 });
});
after(() => etcd.stop());
afterEach(() => {
  for (const one of frozen.splice(0)) one.signal('SIGCONT');
  for (const node of nodes.splice(0)) node.close();
});

let scopes = 0;
const scope = (): string => `s${scopes++}`;
function node(name: string, of: string, options: { ttlMs?: number; urls?: readonly string[] } = {}): Node {
  const made = makeNode(name, options.urls ?? etcd.urls, { scope: of, ...options });
  nodes.push(made);
  return made;
}
async function freeze(...members: EtcdMember[]): Promise<void> {
  frozen.push(...members);
  await freezeAll(...members.map(({ pid }) => pid));
}
const thaw = (): void => {
  for (const one of frozen.splice(0)) one.signal('SIGCONT');
};
const followers = async (): Promise<EtcdMember[]> => {
  const leader = await etcd.leader();
  return etcd.members.filter((one) => one !== leader);
};

test('a frozen member of etcd costs one try; the next calls pass it by', async () => {
  const a = node('a', scope(), { urls: await followersFirst() });
  await a.lead();
  await freeze(...(await followers()).slice(0, 1));
  const tookMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    const beganMs = clock.now();
    assert.equal((await a.dcs.renew(2_000)).kind, 'done');
    tookMs.push(clock.now() - beganMs);
  }
  assert.ok(Math.max(...tookMs) < 900, `${tookMs}`);
  assert.ok(tookMs.filter((ms) => ms > 300).length <= 1, `${tookMs}`);
});

test('with the majority frozen nothing is proven and the deadline stays; thawed, all is well again', {
  timeout: 20_000,
}, async () => {
  const a = node('a', scope(), { ttlMs: 10_000 });
  await a.lead();
  await a.reach();
  const held = a.dcs.held();
  await freeze(...(await followers()));
  const beganMs = clock.now();
  const [view, renewed] = await Promise.all([a.dcs.read(1_500), a.dcs.renew(1_500)]);
  assert.ok(clock.now() - beganMs < 1_800, 'within the budget');
  assert.ok(view.kind === 'unreachable' && view.lastSeen?.leader?.name === 'a');
  assert.ok(renewed.kind === 'unreachable' || renewed.kind === 'unknown', renewed.kind);
  assert.equal(a.dcs.held()?.deadlineMs, held?.deadlineMs);
  thaw();
  await until(async () => (await a.dcs.renew(2_000)).kind === 'done');
});

test('an acquisition given up while etcd is frozen does not come true later', { timeout: 25_000 }, async () => {
  const a = node('a', scope());
  await a.dcs.publishMember(member('a'));
  const { cluster } = await a.reach();
  const acquiring = a.dcs.acquire(cluster.revision, 1_200);
  await freeze(...etcd.members);
  const outcome = await acquiring;
  thaw();
  if (outcome.kind === 'done') return; // etcd was faster than the signal
  assert.equal(a.dcs.held(), null);
  // Whatever arrives late is revoked: no key of mine stays.
  await until(async () => (await a.dcs.read(1_000)).kind === 'reachable');
  await until(async () => (await a.reach()).cluster.leader === null);
  assert.equal((await a.reach()).cluster.leader, null);
});

test('the watch wakes after its endpoint was killed, and for what matters only', { timeout: 20_000 }, async () => {
  const of = scope();
  const [victim] = await followers();
  assert.ok(victim !== undefined);
  const urls = [victim.url, ...etcd.urls.filter((url) => url !== victim.url)];
  const a = node('a', of, { urls });
  const b = node('b', of);
  await b.dcs.publishMember(member('b'));
  await a.reach();
  a.dcs.start();
  await a.woken('relist');
  victim.signal('SIGKILL');
  const woken = a.woken('failover');
  await b.dcs.put('failover', '{"member":"b"}', 'any');
  await woken;
  const from = a.wakes.length;
  const config = a.woken('config');
  await b.dcs.put('status', '{"optime":1}', 'any');
  await b.dcs.publishMember({ ...member('b'), xlogLocation: null, replicationState: 'streaming' });
  await b.dcs.put('config', '{}', 'any');
  await config;
  assert.deepEqual(a.wakes.slice(from), ['config']);
  const changed = a.woken('member');
  await b.dcs.publishMember({ ...member('b'), state: 'stopping' });
  await changed;
  await victim.restart();
});

test('the watch leaves a frozen endpoint and misses nothing [lesson 18]', { timeout: 20_000 }, async () => {
  const of = scope();
  const a = node('a', of, { urls: await followersFirst() });
  const b = node('b', of);
  await a.reach();
  a.dcs.start();
  await a.woken('relist');
  await freeze(...(await followers()).slice(0, 1));
  const woken = a.woken('failover');
  await b.dcs.put('failover', '{"member":"b"}', 'any');
  await woken;
});

async function followersFirst(): Promise<string[]> {
  const others = await followers();
  return [...others.map(({ url }) => url), (await etcd.leader()).url];
}
