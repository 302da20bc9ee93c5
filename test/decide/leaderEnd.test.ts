import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../src/decide/decide.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, revision, timeline } from '../../src/model/units.ts';
import { kinds } from './read.ts';
import {
  crashed,
  following,
  leading,
  member,
  peer,
  silent,
  standby,
  systemId,
  vacant,
  withCluster,
  withSettings,
} from './values.ts';

/** How far the last leader was is known from a while ago: what that changes, and what is told of it. */

const now = vacant.nowMs;
const factIn = (seen: Observation, name: string): unknown => decide(seen).because.find(([fact]) => fact === name)?.[1];
const withMemory = (seen: Observation, memory: Partial<Observation['memory']>): Observation => ({
  ...seen,
  memory: { ...seen.memory, ...memory },
});
const limited = withSettings(vacant, { cluster: { maximumLagBytesOnFailover: 0x1000 } });

test('what the leader told a standby while it streamed counts like its status: too far behind that is too far', () => {
  const told = withMemory(limited, { upstreamEnd: { systemId, timeline: timeline(5), lsn: lsn('0/5002000') } });
  assert.equal(decide(told).rule, 'race.notEligible');
  assert.match(String(factIn(told, 'leaderEnd')), /^0\/5002000 by what it told this node/);
  const near = withMemory(limited, { upstreamEnd: { systemId, timeline: timeline(5), lsn: lsn('0/5001000') } });
  assert.equal(decide(near).rule, 'race.acquire');
  const other = withMemory(limited, { upstreamEnd: { systemId, timeline: timeline(4), lsn: lsn('0/9000000') } });
  assert.equal(decide(other).rule, 'race.acquire', 'a timeline that the cluster has left says nothing');
  const before = withMemory(limited, { upstreamEnd: { systemId: '1', timeline: timeline(5), lsn: lsn('0/5002000') } });
  assert.equal(decide(before).rule, 'race.acquire', 'nor does a cluster that was here before');
});

test('after an orderly release the final status counts, and not the record of the shutdown behind it', () => {
  assert.ok(limited.dcs.kind === 'reachable' && limited.dcs.vacancy !== null);
  const strict = withSettings(vacant, { cluster: { maximumLagBytesOnFailover: 0 } });
  const told = withMemory(strict, { upstreamEnd: { systemId, timeline: timeline(5), lsn: lsn('0/5000180') } });
  assert.equal(decide(told).rule, 'race.notEligible');
  const vacancy = { ...limited.dcs.vacancy, released: true };
  assert.equal(decide({ ...told, dcs: { ...limited.dcs, vacancy } }).rule, 'race.acquire');
});

test('a standby remembers how far its upstream said to be, on the timeline that it streams', () => {
  assert.ok(following.postgres.kind === 'running' && standby.receiver !== null);
  const hears = (end: string, on = 5): Observation => ({
    ...following,
    postgres: {
      ...standby,
      receiver: { ...standby.receiver, timeline: timeline(on), latestEndLsn: lsn(end) } as typeof standby.receiver,
    },
  });
  const first = decide(hears('0/6000000')).memory;
  assert.deepEqual(first.upstreamEnd, { systemId, timeline: timeline(5), lsn: lsn('0/6000000') });
  const less = decide({ ...hears('0/5000000'), memory: first }).memory;
  assert.equal(less.upstreamEnd?.lsn, lsn('0/6000000'));
  const gone = decide({ ...following, postgres: { ...standby, receiver: null }, memory: less }).memory;
  assert.equal(gone.upstreamEnd?.lsn, lsn('0/6000000'));
  const next = decide({ ...hears('0/5500000', 6), memory: less }).memory;
  assert.deepEqual(next.upstreamEnd, { systemId, timeline: timeline(6), lsn: lsn('0/5500000') });
});

test('whoever takes over tells how old the status is, and what it may lack by the rate that was seen', () => {
  const optime = lsn('0/5000100');
  const statusSeen = { modRevision: revision(80n), optime, sinceMs: instantMs(now - 20_100), bytesPerS: 1_000 };
  const seen = withMemory(vacant, { statusSeen });
  assert.equal(factIn(seen, 'statusAgeMs'), 20_100);
  assert.equal(factIn(seen, 'estimatedLackBytes'), '20000', 'until the key was gone, and not after');
  assert.equal(decide(seen).rule, 'race.acquire', 'an estimate refuses nobody');
  const idle = withMemory(vacant, { statusSeen: { ...statusSeen, sinceMs: instantMs(now - 900_000) } });
  assert.equal(factIn(idle, 'statusAgeMs'), 30_100, 'who held the key was heard a ttl before it went');
});

test('the age counts from when the status was first seen, the rate from the one before', () => {
  const first = decide(following).memory;
  assert.deepEqual(first.statusSeen?.bytesPerS, null);
  const status = { optime: lsn('0/5002810'), slots: {}, retainSlots: [], modRevision: revision(91n) };
  assert.ok(following.dcs.kind === 'reachable');
  const at = instantMs(now + 10_000);
  const later: Observation = { ...withCluster(following, { status }), nowMs: at, memory: first };
  assert.ok(later.dcs.kind === 'reachable');
  const grown = decide({ ...later, dcs: { ...later.dcs, readMs: at } }).memory;
  assert.deepEqual(grown.statusSeen, {
    modRevision: revision(91n),
    optime: status.optime,
    sinceMs: at,
    bytesPerS: 1_000,
  });
  assert.equal(decide(leading).memory.statusSeen, null, 'a leader knows better');
});

test('nobody gives way to a standby that would refuse by what it heard of this server', () => {
  const down = withSettings(
    { ...leading, postgres: crashed },
    { cluster: { primaryStartTimeoutMs: 0, maximumLagBytesOnFailover: 0x1000 } },
  );
  const lags = { ...down, peers: [peer('n2', lsn('0/5000100'), { upstreamEnd: lsn('0/5002000') })] };
  assert.notEqual(decide(lags).rule, 'primary.crashed.giveWay');
  const near = { ...down, peers: [peer('n2', lsn('0/5000100'), { upstreamEnd: lsn('0/5001000') })] };
  assert.deepEqual(kinds(near), ['releaseLeaderKey']);
});

test('one that is ahead by more than a failover may lose is not passed over: people are asked', () => {
  const seen = withCluster(limited, { members: [member('n2'), member('n3')] });
  assert.ok(seen.dcs.kind === 'reachable' && seen.dcs.vacancy !== null);
  const dcs = { ...seen.dcs, vacancy: { ...seen.dcs.vacancy, sinceMs: instantMs(now - 60_000) } };
  const turns = [{ member: 'n3', sinceMs: instantMs(now - 30_000) }];
  const far: Observation = withMemory({ ...seen, dcs, peers: [silent('n1'), peer('n3', lsn('0/5002000'))] }, { turns });
  assert.equal(decide(far).rule, 'race.peerAhead');
  assert.match(String(factIn(far, 'needsOperator')), /failover --candidate n2/);
  assert.equal(
    decide({ ...far, peers: [silent('n1'), peer('n3', lsn('0/5001000'))] }).rule,
    'race.acquire',
    'within the limit',
  );
  assert.equal(
    decide({ ...far, peers: [silent('n1'), silent('n3')] }).rule,
    'race.acquire',
    'one that is gone has no turn',
  );
});
