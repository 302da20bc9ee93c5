import type { Promised } from '../../../src/model/failsafe.ts';
import { revision, term } from '../../../src/model/units.ts';
import { held, leaderKey, leading, peer, silent, vacant, withSettings } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only } from '../chapter.ts';
import { agoMs, change, etcdAway, inCluster, inMs, leases, level, paused, says, set } from '../dimensions.ts';
import { postgres } from '../postgres.ts';
import { tellLease } from '../tell.ts';

/** Failsafe mode: a primary without etcd, and those that it asks. */

const url = (name: string): string => `http://${name}:8008/patroni`;
const map = { n1: url('n1'), n2: url('n2'), n3: url('n3') };
const on = set({ cluster: { failsafeMode: true } });
const inView =
  (view: Partial<typeof leading.failsafe>): Change =>
  (seen) => ({
    ...seen,
    failsafe: { ...seen.failsafe, ...view },
  });
const promised = (more: Partial<Promised>): Change =>
  inView({
    promised: {
      to: 'n1',
      term: term(40n),
      givenMs: agoMs(5_000),
      untilMs: inMs(25_000),
      anybodyUntilMs: null,
      at: { host: 'n1', port: 5432 },
      lsn: level,
      slots: {},
      ...more,
    },
  });

const asking: Chapter = {
  title: 'I lead, etcd does not answer, in failsafe mode: are the members asked?',
  start: etcdAway(withSettings(leading, { cluster: { failsafeMode: true } })),
  told: tellLease,
  dimensions: [
    only(postgres, 'primary', 'standby', 'stopped primary', 'starting primary'),
    paused,
    only(leases, 'fresh', 'renewal due', 'scarce', 'running out', 'taken over, unproven'),
    dimension('the mode', { 'is on': asIs, 'is off': set({ cluster: { failsafeMode: false } }) }),
    dimension('whom to ask', {
      'is known': inView({ map }),
      'is not known': asIs,
      'is known, without me': inView({ map: { n2: url('n2'), n3: url('n3') } }),
      'is asked just now': inView({ map, askingSinceMs: agoMs(100) }),
    }),
    dimension('deadline', {
      'by etcd': asIs,
      'by the members': (seen) => ({ ...seen, held: { ...(seen.held ?? held), byMembers: true } }),
    }),
  ],
};

const standing: Chapter = {
  title: 'nobody leads: what was promised to n1, and who is asked',
  start: vacant,
  dimensions: [
    dimension('promised', {
      nothing: asIs,
      'to n1': promised({}),
      'to n1, by a Patroni': promised({ term: null }),
      'to n1, of the reign before': promised({ term: term(39n) }),
      'to n1, till now': promised({ untilMs: agoMs(1) }),
      'not known, just begun': promised({ to: null, term: null, anybodyUntilMs: inMs(25_000) }),
    }),
    dimension('n1', {
      'is silent': says(silent('n1')),
      'says it is no primary': says({ ...peer('n1', level), askedMs: agoMs(50) }),
      'said so before': says({ ...peer('n1', level), askedMs: agoMs(6_000) }),
    }),
    dimension('/failsafe', {
      'is not there': asIs,
      'names all': inCluster({ failsafe: { members: map, modRevision: revision(70n) } }),
      'does not name me': inCluster({
        failsafe: { members: { n1: url('n1'), n3: url('n3') }, modRevision: revision(70n) },
      }),
    }),
    dimension('the mode', { 'is off': asIs, 'is on': on }),
    dimension('the key', {
      'went with its lease': asIs,
      'was released': (seen) =>
        seen.dcs.kind === 'reachable' && seen.dcs.vacancy !== null
          ? { ...seen, dcs: { ...seen.dcs, vacancy: { ...seen.dcs.vacancy, released: true } } }
          : seen,
    }),
  ],
};

const alone: Chapter = {
  title: 'my server is down, and nobody leads: is there a primary that I promised to?',
  start: vacant,
  dimensions: [
    only(postgres, 'stopped standby', 'stopped primary'),
    dimension('promised', { nothing: asIs, 'to n1': promised({}), 'to n1, till now': promised({ untilMs: agoMs(1) }) }),
    dimension('etcd', { answers: asIs, 'does not answer': etcdAway }),
    dimension('lease', { none: asIs, 'left over': change({ held }) }),
  ],
};

const byMembers: Change = (seen) => ({
  ...seen,
  held: { ...(seen.held ?? held), byMembers: true },
  failsafe: { ...seen.failsafe, map },
});

const keyGone: Chapter = {
  title: 'etcd is back, and my key is gone',
  start: inCluster({ leader: null })(on(byMembers(leading))),
  dimensions: [
    only(postgres, 'primary', 'primary, old timeline', 'standby', 'stopped primary'),
    paused,
    dimension('the deadline', {
      'is by the members': asIs,
      'is by etcd': change({ held }),
      'is over': change({ held: { ...held, deadlineMs: agoMs(1_000), byMembers: true } }),
    }),
    dimension('the key', { 'is free': asIs, 'is of n3': inCluster({ leader: leaderKey('n3') }) }),
  ],
};

const down: Chapter = {
  title: 'my primary is down, and etcd does not answer',
  start: etcdAway(on(byMembers(leading))),
  dimensions: [
    only(postgres, 'stopped primary', 'crashed primary', 'stopped primary, old timeline', 'stopped standby'),
    paused,
    dimension('lease', {
      fresh: asIs,
      'running out': change({ held: { ...held, deadlineMs: inMs(4_000), byMembers: true } }),
    }),
    dimension('the deadline', {
      'is by the members': asIs,
      'is by etcd': (seen) => ({ ...seen, held: { ...held, deadlineMs: seen.held?.deadlineMs ?? held.deadlineMs } }),
    }),
    dimension('synchronous mode', {
      'is off': asIs,
      'is on': set({ cluster: { synchronousMode: 'on' } }),
      'is on, and its list known': (seen) => ({
        ...set({ cluster: { synchronousMode: 'on' } })(seen),
        memory: { ...seen.memory, wentBy: { term: held.term, names: '"n2"' } },
      }),
    }),
    dimension('members', { 'are not asked': asIs, 'are asked just now': inView({ askingSinceMs: agoMs(100) }) }),
  ],
};

export const failsafe: readonly Chapter[] = [asking, keyGone, down, standing, alone];
