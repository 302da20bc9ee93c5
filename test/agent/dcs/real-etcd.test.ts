import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { instantMs, leaseId, term, timeline } from '../../../src/model/units.ts';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { clock, makeNode, marginMs, member, type Node, until } from './node.ts';

let etcd: TestEtcd;
const nodes: Node[] = [];
before(async () => {
  etcd = await startEtcd({ members: 3 });
});
after(() => etcd.stop());
afterEach(() => {
  for (const node of nodes.splice(0)) node.close();
});

let scopes = 0;
const scope = (): string => `s${scopes++}`;
function node(name: string, of: string, options: { ttlMs?: number } = {}): Node {
  const made = makeNode(name, etcd.urls, { scope: of, ...options });
  nodes.push(made);
  return made;
}

test('of two that race one wins; the deadline counts from sending and moves only by renewals', async () => {
  const of = scope();
  const [a, b] = [node('a', of), node('b', of)];
  await Promise.all([a, b].map(({ dcs, name }) => dcs.publishMember(member(name), 3_000)));
  const seen = await Promise.all([a.reach(), b.reach()]);
  const beganMs = clock.now();
  const [won, lost] = await Promise.all([
    a.dcs.acquire(seen[0].cluster.revision),
    b.dcs.acquire(seen[1].cluster.revision),
  ]);
  const [winner, loser] = won.kind === 'done' ? [a, b] : [b, a];
  assert.deepEqual([won.kind, lost.kind].sort(), ['done', 'refused']);
  assert.equal(loser.dcs.held(), null);
  const held = winner.dcs.held();
  assert.ok(held?.proven && held.ttlMs === 5_000);
  assert.ok(held.sentMs >= beganMs && held.deadlineMs === held.sentMs + 5_000 - marginMs);
  const view = await loser.reach();
  assert.deepEqual(
    [view.cluster.leader?.name, view.cluster.leader?.lease, view.cluster.leader?.term],
    [winner.name, held.lease, held.term],
  );
  const renewed = await winner.dcs.renew();
  assert.ok(renewed.kind === 'done' && renewed.value.deadlineMs > held.deadlineMs && renewed.value.term === held.term);
});

test('the timeline that a promotion will begin is told with the key, and only over what was read of it', async () => {
  const of = scope();
  const a = node('a', of);
  await a.dcs.publishMember(member('a'));
  const stale = await a.reach();
  await a.dcs.put('timeline', '6', 'any');
  assert.equal((await a.dcs.acquire(stale.cluster.revision, 3_000, { announce: timeline(6) })).kind, 'refused');
  const seen = await a.reach();
  assert.equal(seen.cluster.announced?.timeline, 6);
  const won = await a.dcs.acquire(seen.cluster.revision, 3_000, { announce: timeline(7) });
  assert.ok(won.kind === 'done');
  assert.equal((await a.reach()).cluster.announced?.timeline, 7);
  assert.equal((await a.dcs.announceTimeline(timeline(9), won.value.term)).kind, 'done');
  assert.equal((await a.reach()).cluster.announced?.timeline, 9);
  await a.dcs.release(null);
  assert.equal((await a.dcs.announceTimeline(timeline(10), won.value.term)).kind, 'refused');
});

test('nobody acquires without a member key, on an unread revision, or after a reign that came between', async () => {
  const of = scope();
  const [a, b] = [node('a', of), node('b', of)];
  const nobody = await a.reach();
  assert.equal((await a.dcs.acquire(nobody.cluster.revision)).kind, 'refused');
  await b.dcs.publishMember(member('b'));
  const before = await b.reach();
  assert.equal((await a.lead()).kind, 'done');
  assert.equal((await a.dcs.release('{"optime":7}')).kind, 'done');
  const late = await b.dcs.acquire(before.cluster.revision);
  assert.equal(late.kind, 'refused');
  assert.equal((await b.lead()).kind, 'done');
});

test('votes are of one vacancy: the last leader had the key again, and nobody takes it on votes from before that', async () => {
  const of = scope();
  const [a, b] = [node('a', of), node('b', of)];
  const sync = '{"leader":"a","quorum":1,"sync_standby":"b,c"}';
  await a.meddle({ op: 'put', key: a.keys.sync, value: sync });
  await b.dcs.publishMember(member('b'));
  const counted = await b.reach();
  assert.equal((await a.lead()).kind, 'done');
  await a.meddle({ op: 'delete', key: a.keys.leader }); // nothing else was written in that reign
  assert.equal((await b.dcs.acquire(counted.cluster.revision)).kind, 'refused');
  const now = await b.reach();
  assert.deepEqual(
    { ...now.cluster.sync, modRevision: null },
    { leader: 'a', members: ['b', 'c'], quorum: 1, modRevision: null },
  );
  assert.equal((await b.dcs.acquire(now.cluster.revision)).kind, 'done');
});

test('a keep-alive alone proves nothing: a key deleted by hand is a refusal, and is not put again', async () => {
  const a = node('a', scope());
  await a.lead();
  await a.meddle({ op: 'delete', key: a.keys.leader });
  const renewed = await a.dcs.renew();
  assert.deepEqual(renewed, { kind: 'refused', why: 'there is no leader key' });
  assert.equal(a.dcs.held(), null);
  const { cluster, vacancy } = await a.reach();
  assert.equal(cluster.leader, null);
  assert.ok(vacancy !== null && !vacancy.released);
  const lease = await a.dcs.askLeaderLease();
  assert.ok(lease.kind === 'alive' && lease.leftMs <= 5_000, 'the lease lives on: others wait for it');
});

test('a key that another put, or that was made anew in my name, is not mine', async () => {
  const [a, b] = [node('a', scope()), node('b', scope())];
  await a.lead();
  await a.meddle({ op: 'put', key: a.keys.leader, value: 'x' });
  assert.equal((await a.dcs.renew()).kind, 'refused');
  await b.lead();
  const lease = b.dcs.held()?.lease;
  assert.ok(lease !== undefined);
  await b.meddle({ op: 'delete', key: b.keys.leader });
  await b.meddle({ op: 'put', key: b.keys.leader, value: 'b', lease });
  assert.equal((await b.dcs.renew()).kind, 'refused');
});

test('a release writes the final status in the revision that deletes the key, and everybody can tell', async () => {
  const of = scope();
  const [a, b, c] = [node('a', of), node('b', of), node('c', of)];
  await a.lead();
  b.dcs.start(); // b has the watch, c has only the past to ask
  await b.woken('relist');
  await Promise.all([b.reach(), c.reach()]);
  const woken = b.woken('leader');
  assert.equal((await a.dcs.release('{"optime":50628720}')).kind, 'done');
  await woken;
  for (const one of [b, c]) {
    const { vacancy, cluster } = await one.reach();
    assert.ok(vacancy?.released, one.name);
    assert.equal(cluster.status?.optime, 50628720n);
  }
  await until(async () => (await b.dcs.askLeaderLease()).kind === 'ended');
});

test('the leader alone writes as leader, and only in its own term', async () => {
  const a = node('a', scope());
  const won = await a.lead();
  assert.ok(won.kind === 'done');
  const { term } = won.value;
  assert.equal((await a.dcs.putAsLeader('status', '{"optime":1}', term)).kind, 'done');
  await a.meddle({ op: 'put', key: a.keys.leader, value: 'x' });
  assert.equal((await a.dcs.putAsLeader('status', '{"optime":2}', term)).kind, 'refused');
  assert.equal((await a.reach()).cluster.status?.optime, 1n);
});

test('an unfinished claim is taken over at the revisions that were seen, by one of those who try', async () => {
  const shared = scope();
  const [a, b] = [node('a', shared), node('b', shared)];
  const claimOf = async () => {
    const { initialize } = (await a.reach()).cluster;
    assert.ok(initialize.kind === 'bootstrapping');
    return { modRevision: initialize.modRevision, ownerModRevision: initialize.owner?.modRevision ?? null };
  };
  const ownerOf = async () => {
    const { initialize } = (await a.reach()).cluster;
    return initialize.kind === 'bootstrapping' ? (initialize.owner?.name ?? null) : initialize.kind;
  };
  for (const one of [a, b]) await one.dcs.publishMember(member(one.name), 3_000);
  assert.equal((await a.dcs.claimInitialize()).kind, 'done');
  assert.equal(await ownerOf(), 'a');
  const first = await claimOf();
  assert.equal((await a.dcs.claimInitialize(first)).kind, 'done', 'my own, taken up again');
  assert.equal((await b.dcs.claimInitialize(first)).kind, 'refused', 'it is not what was seen any more');
  await a.dcs.deleteMember(); // and with its lease its name beside the claim
  while ((await ownerOf()) === 'a') await clock.sleep(20);
  assert.equal(await ownerOf(), null);
  const free = await claimOf();
  assert.equal((await b.dcs.claimInitialize(free)).kind, 'done');
  assert.equal(await ownerOf(), 'b');
  assert.equal((await a.dcs.dropInitialize(free.modRevision)).kind, 'refused');
});

test("a leader key with my name is moved from a predecessor's lease to mine, as it was seen, with the guard armed before", async () => {
  const { dcs, keys, reach, meddle } = node('a', scope());
  await dcs.publishMember(member('a'), 3_000);
  await meddle({ op: 'put', key: keys.leader, value: 'a' });
  const bare = (await reach()).cluster.leader;
  assert.ok(bare !== null);
  const never = () => Promise.resolve('must not be asked');
  assert.equal((await dcs.adoptKey(bare, never)).kind, 'refused', 'a key without a lease has no end');
  const { lease } = (await reach()).cluster.members[0] ?? {};
  assert.ok(lease != null);
  await meddle({ op: 'put', key: keys.leader, value: 'a', lease });
  const seen = (await reach()).cluster.leader;
  assert.ok(seen !== null);
  assert.equal((await dcs.adoptKey(seen, () => Promise.resolve('no guard'))).kind, 'refused');
  assert.equal((await reach()).cluster.leader?.lease, lease);
  let armedMs = 0;
  const arm = (wanted: { readonly deadlineMs: number }) => {
    armedMs = wanted.deadlineMs;
    return Promise.resolve(null);
  };
  const stale = { ...seen, lease: leaseId(1n) };
  assert.equal((await dcs.adoptKey(stale, arm)).kind, 'refused');
  const adopted = await dcs.adoptKey(seen, arm);
  assert.ok(adopted.kind === 'done');
  assert.equal(adopted.value.deadlineMs, armedMs);
  const now = (await reach()).cluster.leader;
  assert.equal(now?.term, seen.term);
  assert.equal(now?.lease, adopted.value.lease);
  assert.equal((await dcs.renew()).kind, 'done');
});

test('single keys are written against what was seen of them', async () => {
  const { dcs, reach } = node('a', scope());
  assert.equal((await dcs.claimInitialize()).kind, 'refused', 'a claim without a lease would have no end');
  await dcs.publishMember(member('a'), 3_000);
  assert.equal((await dcs.claimInitialize()).kind, 'done');
  assert.equal((await dcs.claimInitialize()).kind, 'refused');
  const claimed = (await reach()).cluster.initialize;
  assert.ok(claimed.kind === 'bootstrapping');
  assert.equal((await dcs.writeInitialize('7711176136457438868', claimed.modRevision)).kind, 'done');
  assert.equal((await dcs.dropInitialize(claimed.modRevision)).kind, 'refused');
  assert.equal((await dcs.writeConfig('{"ttl":30}', null)).kind, 'done');
  assert.equal((await dcs.writeConfig('{"ttl":20}', null)).kind, 'refused');
  await dcs.put('failover', '{"leader":"a","member":"b"}', 'any');
  const { failover } = (await reach()).cluster;
  assert.ok(failover !== null && failover.candidate === 'b');
  await dcs.put('failover', '{"leader":"a"}', 'any');
  assert.equal((await dcs.clearFailover(failover.modRevision)).kind, 'refused');
});

test('an adopted lease is unproven until it is renewed; one that is not mine is refused', async () => {
  const of = scope();
  const a = node('a', of);
  const won = await a.lead();
  assert.ok(won.kind === 'done');
  const again = node('a', of);
  again.dcs.adopt(won.value);
  assert.equal(again.dcs.held()?.proven, false);
  assert.equal((await again.dcs.renew()).kind, 'done');
  assert.equal(again.dcs.held()?.proven, true);
  const cloned = node('b', of);
  cloned.dcs.adopt(won.value);
  assert.equal((await cloned.dcs.renew()).kind, 'refused');
});

test('a new ttl moves the key to a new lease in the same term; a shorter one counts at once, and moves it later', async () => {
  const a = node('a', scope());
  await a.lead();
  const first = a.dcs.held();
  a.setTtl(6_000);
  assert.equal((await a.dcs.renew()).kind, 'done');
  const longer = a.dcs.held();
  assert.ok(first !== null && longer !== null && longer.ttlMs === 6_000 && longer.lease !== first.lease);
  assert.equal(longer.term, first.term);
  a.setTtl(4_000);
  await a.dcs.renew();
  const counted = a.dcs.held();
  assert.ok(
    counted !== null && counted.lease === longer.lease && counted.deadlineMs === counted.sentMs + 4_000 - marginMs,
  );
  // Guards keep the deadline that the longer ttl gave them: the key moves when the shorter one has caught up with it.
  while (a.dcs.held()?.lease === longer.lease) {
    await clock.sleep(100);
    await a.dcs.renew();
  }
  const shorter = a.dcs.held();
  assert.ok(
    shorter !== null &&
      shorter.deadlineMs >= longer.deadlineMs &&
      shorter.ttlMs === 4_000 &&
      shorter.term === first.term,
  );
  assert.equal((await a.reach()).cluster.leader?.lease, shorter.lease);
  assert.equal((await a.dcs.renew()).kind, 'done');
});

test('a shorter ttl moves the key at once when all guards go by the earlier deadline, and not on the word of another term', async () => {
  const a = node('a', scope());
  a.setTtl(60_000);
  await a.lead();
  await a.dcs.renew();
  const long = a.dcs.held();
  assert.equal(a.dcs.lowersToMs(), null);
  a.setTtl(4_000);
  await a.dcs.renew();
  const counted = a.dcs.held();
  assert.ok(long !== null && counted !== null && counted.lease === long.lease && counted.deadlineMs < long.deadlineMs);
  assert.equal(a.dcs.lowersToMs(), counted.sentMs + 4_000);
  assert.equal(a.dcs.lowered(term(counted.term + 1n), counted.deadlineMs), false);
  assert.equal(a.dcs.lowered(counted.term, instantMs(counted.deadlineMs - 1)), false, 'of an earlier renewal');
  await a.dcs.renew();
  assert.equal(a.dcs.held()?.lease, long.lease);
  const again = a.dcs.held();
  assert.ok(again !== null && a.dcs.lowered(again.term, again.deadlineMs));
  assert.equal((await a.dcs.renew()).kind, 'done');
  const short = a.dcs.held();
  assert.ok(short !== null && short.lease !== long.lease && short.ttlMs === 4_000 && short.term === long.term);
  assert.equal((await a.reach()).cluster.leader?.lease, short.lease);
  assert.equal(a.dcs.lowersToMs(), null);
});

test('the member key hangs on a longer lease of its own, is put when it changed, and again when it is gone', async () => {
  const a = node('a', scope());
  await a.lead();
  const first = a.dcs.published();
  assert.ok(first !== null && first.lease !== a.dcs.held()?.lease);
  await a.dcs.publishMember(member('a'));
  assert.equal(a.dcs.published()?.modRevision, first.modRevision);
  await a.dcs.publishMember({ ...member('a'), state: 'stopping' });
  assert.equal((await a.reach()).cluster.members[0]?.state, 'stopping');
  await a.meddle({ op: 'delete', key: a.keys.member('a') });
  await a.reach();
  assert.equal(a.dcs.published(), null);
  await a.dcs.publishMember(member('a'));
  assert.equal((await a.reach()).cluster.members.length, 1);
});
