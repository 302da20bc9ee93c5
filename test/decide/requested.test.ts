import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import { instantMs, lsn, revision } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import { after, cleanlyStopped, control, leading, peer, silent, withCluster } from './values.ts';

/** A switchover or failover that somebody asked for, as the leader answers it. */
const asked = withCluster(
  { ...leading, peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))] },
  { failover: { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(95n) } },
);

test('an old answer speaks for a candidate, not against it: it is asked before a request is refused', () => {
  const restored = { ...peer('n2', lsn('0/5000100')) };
  const unfit = { ...restored, said: restored.said === null ? null : { ...restored.said, position: null } };
  const old = { ...unfit, askedMs: instantMs(asked.nowMs - 5_000) };
  const waiting = decide({ ...asked, peers: [old] });
  assert.equal(waiting.rule, 'leading.requested');
  assert.deepEqual(
    waiting.actions.map(({ kind }) => kind).filter((kind) => kind !== 'renewLease'),
    ['askPeers'],
  );
  const refused = decide({ ...asked, peers: [{ ...unfit, askedMs: instantMs(asked.nowMs - 100) }] });
  assert.ok(refused.actions.some(({ kind }) => kind === 'clearFailover'));
});

test('a switchover stops PostgreSQL after a checkpoint, hands over when the candidate has the shutdown record, and follows [lesson 37]', () => {
  const first = decide(asked);
  assert.equal(first.rule, 'leading.requested');
  const job = jobOf(asked);
  assert.ok(job?.kind === 'stop' && job.checkpointFirst);
  const stopped = after({ ...asked, postgres: cleanlyStopped, memory: first.memory }, job, { stage: 'fast' });
  const behind = { ...stopped, peers: [peer('n2', control.checkpoint), peer('n3', lsn('0/5000100'))] };
  assert.deepEqual(kinds(behind), ['askPeers']);
  const caught = decide(stopped);
  assert.equal(caught.rule, 'switchover.handOver');
  assert.deepEqual(caught.actions, [{ kind: 'releaseLeaderKey', lsn: control.checkpoint }]);
});

test('a switchover to a silent or nofailover candidate is refused and cleared', () => {
  for (const peers of [[silent('n2')], [peer('n2', lsn('0/5000100'), { nofailover: true })]]) {
    assert.deepEqual(decide({ ...asked, peers }).actions, [{ kind: 'clearFailover', seenModRevision: revision(95n) }]);
  }
});

test('an unreadable schedule is cleared, never acted on', () => {
  const seen = withCluster(asked, {
    failover: { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: 'not a time', modRevision: revision(95n) },
  });
  assert.deepEqual(kinds(seen), ['clearFailover']);
});

test('a candidate that runs as a primary itself is none: PostgreSQL is not stopped for it', () => {
  const beside = { ...asked, peers: [peer('n2', lsn('0/5000100'), { runsAsPrimary: true })] };
  assert.ok(decide(beside).actions.some(({ kind }) => kind === 'clearFailover'));
});
