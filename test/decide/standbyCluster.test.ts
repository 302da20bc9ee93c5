import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, revision } from '../../src/model/units.ts';
import { jobOf, kinds } from './read.ts';
import {
  cleanlyStopped,
  crashed,
  following,
  leading,
  member,
  peer,
  vacant,
  withCluster,
  withSettings,
  won,
} from './values.ts';

/** The primary is elsewhere, and this agent cannot follow it: whatever it is asked, it makes no second one. */
const remote = { host: 'far', port: 5432 };
const inStandbyCluster = (seen: Observation): Observation =>
  withSettings(seen, { cluster: { standbyCluster: remote } });

test('nobody is promoted in a standby cluster, with the key or without, and the reasons say what to do', () => {
  const waiting = decide(inStandbyCluster(vacant));
  assert.equal(waiting.rule, 'standbyCluster.notLed');
  assert.deepEqual(waiting.actions, []);
  assert.ok(waiting.because.some(([name, value]) => name === 'needsOperator' && /standby_cluster/.test(String(value))));
  const chosen = { leader: null, candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(95n) };
  assert.equal(decide(inStandbyCluster(withCluster(vacant, { failover: chosen }))).rule, 'standbyCluster.notLed');
  assert.equal(jobOf(won)?.kind, 'promote');
  assert.deepEqual(kinds(inStandbyCluster(won)), ['releaseLeaderKey']);
  assert.equal(decide(inStandbyCluster(following)).rule, 'standby.following', 'whoever leads it is followed');
});

test('its primary is not stopped for a successor that nobody would be', () => {
  const asked = withCluster(
    { ...leading, peers: [peer('n2', lsn('0/5000100'))].map((one) => ({ ...one, askedMs: instantMs(leading.nowMs) })) },
    { failover: { leader: 'n1', candidate: 'n2', scheduledAt: null, problem: null, modRevision: revision(95n) } },
  );
  assert.equal(jobOf(asked)?.kind, 'stop');
  assert.ok(kinds(inStandbyCluster(asked)).includes('clearFailover'));
  assert.equal(jobOf(inStandbyCluster(asked)), undefined);
});

test('nor is it stopped, or its key given away, since it hangs or went down; a promotion under way is called off', () => {
  const near = [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))];
  const peers = near.map((one) => ({ ...one, askedMs: instantMs(leading.nowMs - 1) }));
  const since = instantMs(leading.nowMs - 100);
  const down: Observation = withSettings(
    { ...leading, peers, postgres: crashed, memory: { ...leading.memory, crash: { sinceMs: since, attemptsMs: [] } } },
    { cluster: { primaryStartTimeoutMs: 0 } },
  );
  assert.ok(kinds(down).includes('releaseLeaderKey'));
  assert.ok(!kinds(inStandbyCluster(down)).includes('releaseLeaderKey'));
  const promote = jobOf(won);
  assert.ok(promote?.kind === 'promote');
  const busy: Observation = {
    ...won,
    jobs: { kind: 'busy', job: promote, sinceMs: since, progress: null, cancelling: false, last: null },
  };
  assert.deepEqual(kinds(busy), []);
  assert.deepEqual(kinds(inStandbyCluster(busy)), ['cancelJob']);
});

test('an empty node makes no cluster that is to be a standby one; what etcd has counts before its own file', () => {
  const unborn = {
    leader: null,
    initialize: { kind: 'absent' },
    members: [member('n2')],
    clusterTimeline: null,
    status: null,
    history: null,
    config: null,
  } as const;
  const empty = withCluster({ ...following, postgres: { kind: 'noData' }, peers: [] }, unborn);
  assert.deepEqual(kinds(empty), ['claimInitialize', 'startJob']);
  const { local } = empty.settings;
  assert.ok(local.bootstrap !== null);
  const bootstrap = { ...local.bootstrap, dcs: { standby_cluster: remote } };
  const asked: Observation = { ...empty, settings: { ...empty.settings, local: { ...local, bootstrap } } };
  assert.deepEqual(kinds(asked), []);
  assert.ok(decide(asked).because.some(([name]) => name === 'needsOperator'));
  const config = { text: '{}', modRevision: revision(3n), createRevision: revision(3n), lease: null };
  assert.deepEqual(kinds(withCluster(asked, { config })), ['claimInitialize', 'startJob']);
  assert.deepEqual(kinds(inStandbyCluster(withCluster(empty, { config }))), []);
  const claim = {
    kind: 'bootstrapping',
    modRevision: revision(1n),
    createRevision: revision(1n),
    owner: { name: 'n2', modRevision: revision(1n) },
  } as const;
  const whole = withCluster({ ...empty, postgres: cleanlyStopped }, { initialize: claim });
  assert.ok(kinds(whole).includes('writeInitialize'));
  const wholeAsked: Observation = { ...whole, settings: asked.settings };
  assert.deepEqual(kinds(wholeAsked), [], 'nor is one that is there made its primary');
  const restored = { ...local.bootstrap, method: 'pgbackrest' };
  const byMethod: Observation = { ...empty, settings: { ...empty.settings, local: { ...local, bootstrap: restored } } };
  const byHand: Observation = { ...whole, settings: byMethod.settings };
  assert.ok(kinds(byHand).includes('writeInitialize'), 'whole data is taken, however it was to be made');
  assert.deepEqual(kinds(byMethod), [], 'nor an empty one in place of what a backup holds');
  assert.ok(decide(byMethod).because.some(([name, value]) => name === 'method' && value === 'pgbackrest'));
});
