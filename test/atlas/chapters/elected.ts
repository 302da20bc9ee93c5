import type { RunningStandby } from '../../../src/model/postgres.ts';
import { revision, timeline } from '../../../src/model/units.ts';
import { peer, silent, vacant, withSettings } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only } from '../chapter.ts';
import { agoMs, furtherOn, inCluster, level, requests, says } from '../dimensions.ts';
import { postgres } from '../postgres.ts';

/** Nobody leads, in a synchronous mode: I am n2; n1 held the key last. What /sync says of who may. */

const sync = (leader: string, quorum: number, ...members: readonly string[]): Change =>
  inCluster({ sync: { leader, members, quorum, modRevision: revision(70n) } });
const ofStandby =
  (what: Partial<RunningStandby>): Change =>
  (seen) =>
    seen.postgres.kind === 'running' && seen.postgres.role === 'standby'
      ? { ...seen, postgres: { ...seen.postgres, ...what } }
      : seen;
const stream = dimension('its stream', {
  'is given up': ofStandby({ detached: true }),
  'may come in': ofStandby({ detached: false }),
});
const garbage = inCluster({ garbage: [{ key: '/service/demo/sync', why: 'no JSON object with a leader' }] });

const wasIWaitedFor: Chapter = {
  title: 'nobody leads, in synchronous mode: was this standby waited for?',
  start: withSettings(vacant, { cluster: { synchronousMode: 'on' } }),
  dimensions: [
    only(requests, 'none', 'failover to me', 'from n1 to me'),
    dimension('/sync', {
      'is not there': asIs,
      'names me': sync('n1', 0, 'n2'),
      'names n3': sync('n1', 0, 'n3'),
      'names both': sync('n1', 0, 'n2', 'n3'),
      'names nobody': sync('n1', 0),
      'is of my own reign': sync('n2', 0),
      'is garbage': garbage,
    }),
    only(postgres, 'standby without stream', 'standby far behind'),
    stream,
    dimension('n3', {
      'is as far': says({ ...peer('n3', level), askedMs: agoMs(10) }),
      'is ahead': says({ ...peer('n3', furtherOn), askedMs: agoMs(10) }),
    }),
  ],
};

const hasItVotes: Chapter = {
  title: 'nobody leads, in quorum mode: has this standby enough votes?',
  start: withSettings(vacant, { cluster: { synchronousMode: 'quorum' } }),
  dimensions: [
    only(requests, 'none', 'failover to me', 'from n1 to me'),
    dimension('/sync', {
      'is not there': asIs,
      'one other must be heard': sync('n1', 1, 'n2', 'n3'),
      'two must': sync('n1', 2, 'n2', 'n3', 'n4'),
      'all have everything': sync('n1', 0, 'n2', 'n3'),
      'without me': sync('n1', 0, 'n3'),
      'without voters': sync('n1', 0),
      'is garbage': garbage,
    }),
    stream,
    dimension('n3', {
      'is as far': says({ ...peer('n3', level), askedMs: agoMs(10) }),
      'is ahead': says({ ...peer('n3', furtherOn), askedMs: agoMs(10) }),
      'is on an older timeline': says({ ...peer('n3', furtherOn, { timeline: timeline(4) }), askedMs: agoMs(10) }),
      'gives no position': says({ ...peer('n3', null), askedMs: agoMs(10) }),
      'still receives': says({ ...peer('n3', level, { hasWithdrawn: false }), askedMs: agoMs(10) }),
      'is silent': says(silent('n3')),
    }),
  ],
};

export const elected: readonly Chapter[] = [wasIWaitedFor, hasItVotes];
