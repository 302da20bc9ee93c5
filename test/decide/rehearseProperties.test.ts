import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/decide/decide.ts';
import { rehearse } from '../../src/decide/rehearse/rehearse.ts';
import type { Observation } from '../../src/model/observation.ts';
import { instantMs, lsn, lsnOf, timeline } from '../../src/model/units.ts';
import { healthy, here, play, question, standing } from './rehearsing.ts';
import {
  cleanlyStopped,
  cluster,
  following,
  leaderKey,
  leading,
  peer,
  primary,
  silent,
  unreachable,
  vacant,
  withCluster,
  withSettings,
} from './values.ts';

/** n2 and n3 as drawn, seen by the leader. */
const drawn = fc.record({
  n2: fc.integer({ min: 0, max: 0x300000 }),
  n3: fc.integer({ min: 0, max: 0x300000 }),
  nofailover: fc.boolean(),
  priority: fc.integer({ min: 0, max: 3 }),
  oldTimeline: fc.boolean(),
  n3Silent: fc.boolean(),
  pause: fc.boolean(),
});

test('whoever is said to take over asks for the key in the real core, and who may not does not', () => {
  fc.assert(
    fc.property(drawn, (draw) => {
      const at = (behind: number) => lsnOf(here - BigInt(behind));
      const second = peer('n2', at(draw.n2), { nofailover: draw.nofailover, failoverPriority: draw.priority });
      const third = peer('n3', at(draw.n3), draw.oldTimeline ? { timeline: timeline(4) } : {});
      const last = { kind: 'silent', atMs: leading.nowMs, why: 'x' } as const;
      const seen = withSettings(
        { ...healthy, peers: [second, draw.n3Silent ? { ...third, last } : third] },
        { cluster: { pause: draw.pause, checkTimeline: true } },
      );
      const answer = play(seen);
      // The same world as n2's own agent would see it, when the others have answered and its patience is over.
      const nowMs = instantMs(vacant.nowMs + 20_000);
      const asked = { askedMs: instantMs(nowMs - 10), last: { kind: 'answered', atMs: nowMs } } as const;
      const own = withCluster(
        {
          ...withSettings(vacant, {
            cluster: seen.settings.cluster,
            tags: { nofailover: draw.nofailover, failoverPriority: draw.priority },
          }),
          nowMs,
          postgres: {
            ...vacant.postgres,
            receivedLsn: at(draw.n2),
            replayedLsn: at(draw.n2),
          } as Observation['postgres'],
          peers: [silent('n1'), draw.n3Silent ? { ...third, last } : { ...third, ...asked }],
          memory: { ...vacant.memory, turns: [{ member: 'n3', sinceMs: vacant.nowMs }] },
        },
        { members: cluster.members.filter(({ name }) => name !== 'n1') },
      );
      const said = decide(own);
      const takes = said.actions.some(({ kind }) => kind === 'acquireLeaderKey');
      const verdict = standing(answer, 'n2')?.verdict;
      assert.equal(verdict !== 'mayNot', takes, `${verdict} but ${said.rule}`);
      if (answer.outcome.kind === 'takesOver') {
        const { winner } = answer.outcome;
        assert.deepEqual(standing(answer, winner)?.objections, []);
        assert.ok(winner !== 'n3' || !draw.n3Silent);
      }
    }),
  );
});

/** Whatever an agent may see. */
const anything = fc.record({
  postgres: fc.constantFrom<Observation['postgres']>(
    primary,
    following.postgres,
    cleanlyStopped,
    { kind: 'noData' },
    { kind: 'unreadable', why: 'x' },
    { kind: 'stopping', pid: primary.pid, sinceMs: leading.nowMs, believed: 'primary' },
  ),
  base: fc.constantFrom(leading, following, vacant),
  leader: fc.constantFrom<'as it is' | 'nobody' | 'n9'>('as it is', 'nobody', 'n9'),
  etcd: fc.boolean(),
  busy: fc.boolean(),
  guard: fc.constantFrom<Observation['guard']>(leading.guard, { kind: 'off' }, { kind: 'absent', why: 'x' }),
  peers: fc.subarray([
    peer('n1', here, { runsAsPrimary: true, noPrimary: false }),
    peer('n2', null),
    peer('n3', here, { state: 'stopped', timeline: null, systemId: '1' }),
    silent('n4'),
    peer('n5', lsn('0/9000000'), { timeline: timeline(7), failoverPriority: 0 }),
  ]),
  pause: fc.boolean(),
  without: fc.subarray(['n1', 'n2', 'n3', 'etcd', 'zone=a']),
});

test('there is an answer to every question in every situation, and those that are gone have no part in it', () => {
  fc.assert(
    fc.property(anything, ({ base, postgres, leader, etcd, busy, guard, peers, pause, without }) => {
      const job = { kind: 'checkpoint' } as const;
      const jobs = busy
        ? ({ kind: 'busy', job, sinceMs: base.nowMs, progress: null, cancelling: false, last: null } as const)
        : base.jobs;
      const key = leader === 'nobody' ? null : leaderKey('n9');
      const led = leader === 'as it is' ? base : withCluster(base, { leader: key });
      const seen = withSettings({ ...led, postgres, guard, jobs, peers }, { cluster: { pause } });
      const answer = rehearse(etcd ? seen : unreachable(seen), { ...question, without });
      if ('kind' in answer)
        return assert.ok(answer.names.length > 0 && answer.names.every((name) => without.includes(name)));
      const names = answer.members.map(({ name }) => name);
      assert.ok(!names.some((name) => answer.without.includes(name)));
      const { outcome } = answer;
      if (outcome.kind !== 'takesOver') return;
      assert.ok(etcd && !without.includes('etcd'));
      assert.ok([outcome.winner, ...outcome.equals].every((name) => names.includes(name)));
      assert.ok(!pause || seen.dcs.kind !== 'reachable', 'nobody is promoted in pause without being named');
    }),
    { numRuns: 300 },
  );
});
