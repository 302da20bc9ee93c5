import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { instantMs } from '../../src/model/units.ts';
import { following, leading, withCluster } from '../decide/values.ts';
import { ends, keyOf, three } from '../scenarios/stage.ts';

/** The leader key bears the name of a node whose agent has just begun. */

test('the power of a primary is back within its ttl: its old key is left to run out, and that is the reason it gives', async () => {
  const { cluster, leader } = await three(0x51);
  cluster.powerOff(leader);
  await cluster.run(3000);
  cluster.powerOn(leader);
  const backMs = cluster.engine.now();
  await cluster.run(15_000);
  assert.equal(keyOf(cluster, 'leader'), leader, 'a copy of this machine would find the same: it takes nothing away');
  const rules = cluster.rulesOf(leader);
  assert.ok(rules.includes('leader.formerLife') && !rules.includes('postgres.waiting'), rules.join());
  await cluster.until(() => cluster.primary() !== null, { withinMs: 20_000 });
  // What was left of its ttl of 30 s after those 3 s, and what etcd and an election take.
  assert.ok(cluster.engine.now() - backMs < 27_000 + 5_000);
  await ends(cluster);
});

test('a key in my name that outlives two ttl is renewed by somebody else: people are told whom to look for', () => {
  const { seen } = formerLife();
  const ruled = decide(seen);
  assert.deepEqual([ruled.rule, ruled.actions], ['leader.formerLife', []]);
  assert.ok(!ruled.because.some(([name]) => name === 'needsOperator'));
  const longAgo = instantMs(seen.nowMs - 2 * seen.settings.cluster.ttlMs - 1);
  const { dcs } = seen;
  assert.ok(dcs.kind === 'reachable');
  const later = decide({ ...seen, startedMs: longAgo, dcs: { ...dcs, sinceMs: longAgo } });
  assert.ok(
    later.because.some(([name, told]) => name === 'needsOperator' && /another agent that is named/.test(`${told}`)),
  );
});

function formerLife() {
  const { dcs } = leading;
  assert.ok(dcs.kind === 'reachable' && dcs.cluster.leader !== null);
  const key = { ...dcs.cluster.leader, name: following.settings.local.name };
  const seen = withCluster(following, { leader: key });
  return { seen: { ...seen, startedMs: seen.nowMs } };
}
