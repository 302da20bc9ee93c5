import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelSwitchover, handOver } from '../../src/api/handlers/handover.ts';
import type { Reply } from '../../src/api/reply.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, revision, wallMs } from '../../src/model/units.ts';
import {
  cluster,
  leaderKey,
  leading,
  member,
  peer,
  silent,
  unreachable,
  withCluster,
  withSettings,
} from '../decide/values.ts';
import { type FakeAgent, fakeAgent, now, reachable } from './handles.ts';

const said = (reply: Reply): readonly [number, string] =>
  reply.kind === 'text' ? [reply.status, reply.text] : [-1, JSON.stringify(reply)];
/** The clock goes on while somebody sleeps. */
async function ask(action: 'switchover' | 'failover', body: unknown, agent: FakeAgent) {
  let nowMs: number = now;
  const handles = { ...agent, now: () => instantMs(nowMs) };
  const sleep = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  const request = { method: 'POST', path: `/${action}`, query: {}, body: JSON.stringify(body) };
  return said(await handOver(action, request, { handles, sleep }));
}

const ready: Observation = { ...leading, peers: [peer('n2', lsn('0/5000100')), peer('n3', lsn('0/5000100'))] };
const paused = (seen: Observation): Observation => withSettings(seen, { cluster: { pause: true } });
const withSync = (seen: Observation, members: readonly string[]): Observation =>
  withCluster(seen, {
    config: { text: '{"synchronous_mode":true}', createRevision: revision(3n), modRevision: revision(3n), lease: null },
    sync: { leader: 'n1', members, quorum: 0, modRevision: revision(4n) },
  });
const asked = { leader: 'n1', member: null, candidate: 'n2', scheduledAt: null, problem: null };

test('what is refused, in the order of the checks', async () => {
  const specific = 'Failover could be performed only to a specific candidate';
  const from = 'Switchover could be performed only from a specific leader';
  const unreadable = 'Unable to parse scheduled timestamp. It should be in an unambiguous format, e.g. ISO 8601';
  const at = '2036-01-01T00:00:00+00:00';
  const only = 'Switchover is possible only to a specific candidate in a paused state';
  const table: readonly (readonly ['switchover' | 'failover', unknown, Observation, number, string])[] = [
    ['failover', { leader: 'n1' }, ready, 400, specific],
    ['failover', { scheduled_at: at }, ready, 400, specific],
    ['switchover', { candidate: 'n2' }, ready, 400, from],
    ['switchover', { leader: 1, candidate: 'n2' }, ready, 400, from],
    ['switchover', { leader: 'n1', candidate: ['n2'] }, ready, 400, 'candidate should be the name of a member, a text'],
    ['switchover', { leader: 'n1', member: 2 }, ready, 400, 'member should be the name of a member, a text'],
    ['switchover', { leader: '' }, ready, 400, from],
    ['failover', { candidate: 'n2', scheduled_at: at }, ready, 400, "Failover can't be scheduled"],
    [
      'switchover',
      { leader: 'n1', scheduled_at: at },
      paused(ready),
      400,
      "Can't schedule switchover in the paused state",
    ],
    [
      'switchover',
      { leader: 'n1', scheduled_at: '2036-01-01T00:00:00' },
      ready,
      400,
      'Timezone information is mandatory for the scheduled switchover',
    ],
    ['switchover', { leader: 'n1', scheduled_at: 'soon' }, ready, 422, unreadable],
    ['switchover', { leader: 'n1', scheduled_at: 5 }, ready, 422, unreadable],
    [
      'switchover',
      { leader: 'n1', scheduled_at: '2006-01-01T00:00Z' },
      ready,
      422,
      'Cannot schedule switchover in the past',
    ],
    ['switchover', { leader: 'n1' }, paused(ready), 400, only],
    ['switchover', { leader: 'n1', candidate: 'n1' }, ready, 400, 'Switchover target and source are the same'],
    ['failover', { leader: 'n2', member: 'n2' }, ready, 400, 'Switchover target and source are the same'],
    ['switchover', { leader: 'zz', candidate: 'n2' }, ready, 412, 'leader name does not match'],
    ['switchover', { leader: 'n1', candidate: 'zz' }, ready, 412, 'candidate does not exists'],
    [
      'switchover',
      { leader: 'n1', candidate: 'n3' },
      withSync(ready, ['n2']),
      412,
      'candidate name does not match with sync_standby',
    ],
    ['switchover', { leader: 'n1' }, withSync(ready, []), 412, 'switchover is not possible: can not find sync_standby'],
    [
      'switchover',
      { leader: 'n1' },
      withCluster(ready, { members: [member('n1')] }),
      412,
      'switchover is not possible: cluster does not have members except leader',
    ],
    [
      'switchover',
      { leader: 'n1', candidate: 'n2' },
      { ...ready, peers: [silent('n2')] },
      412,
      'switchover is not possible: no good candidates have been found',
    ],
    [
      'failover',
      { candidate: 'n2' },
      { ...ready, peers: [peer('n2', lsn('0/1'), { nofailover: true })] },
      412,
      'failover is not possible: no good candidates have been found',
    ],
  ];
  for (const [action, body, seen, code, text] of table) {
    const agent = fakeAgent(seen);
    assert.deepEqual(await ask(action, body, agent), [code, text], JSON.stringify(body));
    assert.deepEqual(agent.puts, [], text);
  }
});

test('what comes of it, as the keys tell', async () => {
  const then = (...clusters: readonly Partial<Cluster>[]) => {
    const all = [cluster, ...clusters.map((change) => ({ ...cluster, ...change }))];
    return fakeAgent(ready, { read: (nth) => reachable(all[Math.min(nth, all.length - 1)] ?? cluster) });
  };
  const failover = { ...asked, modRevision: revision(95n) };
  const waiting = { failover };
  const switchover = { leader: 'n1', candidate: 'n2' };
  const done = then(waiting, { leader: null }, { leader: leaderKey('n2') });
  assert.deepEqual(await ask('switchover', switchover, done), [200, 'Successfully switched over to "n2"']);
  assert.deepEqual(done.puts, [{ key: 'failover', text: '{"leader":"n1","member":"n2"}', seen: 'any' }]);
  assert.deepEqual(await ask('failover', { candidate: 'n2' }, then({ leader: leaderKey('n2') })), [
    200,
    'Successfully failed over to "n2"',
  ]);
  assert.deepEqual(await ask('switchover', switchover, then({ leader: leaderKey('n3') })), [
    200,
    'Switched over to "n3" instead of "n2"',
  ]);
  assert.deepEqual(await ask('switchover', switchover, then(waiting, { failover: null })), [503, 'Switchover failed']);
  assert.deepEqual(await ask('switchover', switchover, then(waiting)), [503, 'Switchover status unknown']);
  const cut = fakeAgent(ready, { put: { kind: 'unreachable', why: 'no endpoint' } });
  assert.deepEqual(await ask('switchover', switchover, cut), [503, 'failed to write failover key into DCS']);
});

test('a switchover for later is written without a look at the names', async () => {
  const agent = fakeAgent(unreachable(leading));
  const body = { leader: 'n1', candidate: 'nobody', scheduled_at: '2036-01-01T02:00:00+02:00' };
  assert.deepEqual(await ask('switchover', body, agent), [202, 'Switchover scheduled']);
  assert.equal(agent.puts[0]?.text, '{"leader":"n1","member":"nobody","scheduled_at":"2036-01-01T00:00:00+00:00"}');
});

test('an empty scheduled_at means now', async () => {
  const agent = fakeAgent(ready, {
    read: (nth) => reachable({ ...cluster, leader: leaderKey(nth === 0 ? 'n1' : 'n2') }),
  });
  const reply = await ask('switchover', { leader: 'n1', candidate: 'n2', scheduled_at: '' }, agent);
  assert.deepEqual(reply, [200, 'Successfully switched over to "n2"']);
});

test('DELETE /switchover takes back what is scheduled, and only as it was read', async () => {
  const scheduled = { ...asked, scheduledAt: wallMs(Date.UTC(2036, 0, 1)), modRevision: revision(95n) };
  const seen = withCluster(leading, { failover: scheduled });
  const agent = fakeAgent(seen);
  assert.deepEqual(said(await cancelSwitchover(agent)), [200, 'scheduled switchover deleted']);
  assert.deepEqual(agent.puts, [{ key: 'failover', text: '{}', seen: 95n }]);
  assert.deepEqual(said(await cancelSwitchover(fakeAgent(leading))), [404, 'no switchover is scheduled']);
  const raced = fakeAgent(seen, { put: { kind: 'refused', why: 'changed' } });
  assert.deepEqual(await cancelSwitchover(raced), { kind: 'page', status: 409 });
});
