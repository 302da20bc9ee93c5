import { lsn, lsnOf, revision, timeline } from '../../../src/model/units.ts';
import { cluster, held, leaderKey, leading, member, peer, silent, vacant, withCluster } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only } from '../chapter.ts';
import {
  agoMs,
  both,
  busy,
  ended,
  farBehind,
  furtherOn,
  guards,
  identity,
  inCluster,
  jobs,
  leftLease,
  level,
  paused,
  remember,
  requests,
  says,
  set,
  strangeKey,
  vacancies,
  word,
} from '../dimensions.ts';
import { postgres, stoppedKinds } from '../postgres.ts';
import { elected } from './elected.ts';

/** I am n2; n1 held the key last, and nobody holds it. n3 is there, and as far as I. */

const whatRuns: Chapter = {
  title: 'nobody leads: what runs here',
  start: vacant,
  dimensions: [
    paused,
    leftLease,
    postgres,
    identity,
    only(vacancies, 'its lease ended', 'its lease lives', 'never seen, begun just now'),
    only(guards, 'armed', 'armed, over', 'disarmed', 'absent'),
  ],
};

const isItOver: Chapter = {
  title: 'nobody leads: may the last primary write still?',
  start: vacant,
  dimensions: [
    only(requests, 'none', 'failover to me', 'from n1 to me'),
    paused,
    vacancies,
    only(dimension('n3', word('n3')), 'says nothing', 'says it is no primary', 'says it runs as primary'),
    dimension('n1', word('n1')),
    dimension('unfenced', { nobody: asIs, n1: inCluster({ unfenced: 'n1' }), me: inCluster({ unfenced: 'n2' }) }),
    dimension('others', {
      'are members': asIs,
      'one has a slot, and no key': (seen) =>
        withCluster(seen, { status: cluster.status && { ...cluster.status, retainSlots: ['n1', 'n2', 'n9'] } }),
      'are none': inCluster({ members: [member('n2')] }),
      'and no status': inCluster({ status: null }),
    }),
  ],
};

const mayI: Chapter = {
  title: 'nobody leads: may this standby?',
  start: vacant,
  dimensions: [
    only(requests, 'none', 'failover to me', 'from n1 to me'),
    paused,
    dimension('tags', {
      none: asIs,
      nofailover: set({ tags: { nofailover: true } }),
      'failover_priority 0': set({ tags: { failoverPriority: 0 } }),
    }),
    only(guards, 'disarmed', 'absent', 'off'),
    only(postgres, 'standby without stream', 'standby, old timeline', 'standby far behind', 'standby, replay paused'),
    dimension('the cluster history', {
      'is not told': asIs,
      'leaves mine ahead of me': leftAt(lsn('0/5000200')),
      'leaves mine behind me': leftAt(lsn('0/3000000')),
      'leaves mine behind me, and check_timeline': both(
        leftAt(lsn('0/3000000')),
        set({ cluster: { checkTimeline: true } }),
      ),
    }),
    dimension('I gave the key away', {
      no: asIs,
      'a moment ago': remember({ noRaceBeforeMs: agoMs(-20_000) }),
      'a ttl ago': remember({ noRaceBeforeMs: agoMs(1) }),
    }),
  ],
};

/** Timeline 4 ended there. */
function leftAt(end: ReturnType<typeof lsn>): Change {
  return inCluster({
    history: {
      lines: [{ timeline: timeline(4), end, reason: 'no recovery target specified', at: null, newLeader: 'n1' }],
      modRevision: revision(3n),
    },
  });
}

const known = (position: ReturnType<typeof lsn> | null): Change =>
  inCluster({ members: [member('n2'), member('n3', { receiveLsn: position, xlogLocation: null })] });
const lately = { askedMs: agoMs(10) };
const whoseTurn: Chapter = {
  title: 'nobody leads: whose turn is it?',
  start: vacant,
  dimensions: [
    requests,
    dimension('for', { 'a moment': asIs, '6 s': (seen) => goneFor(seen, 6_000) }),
    dimension('last leader', { n1: asIs, n3: (seen) => lastWas(seen, 'n3'), me: (seen) => lastWas(seen, 'n2') }),
    dimension('n3', {
      'is as far': says({ ...peer('n3', level), ...lately }),
      'is behind': says({ ...peer('n3', farBehind), ...lately }),
      'is ahead': says({ ...peer('n3', furtherOn), ...lately }),
      'is ahead by more than the limit': says({ ...peer('n3', lsn('0/5200200')), ...lately }),
      'is ahead, nofailover': says({ ...peer('n3', furtherOn, { nofailover: true }), ...lately }),
      'is ahead, watchdog failed': says({ ...peer('n3', furtherOn, { watchdogFailed: true }), ...lately }),
      'is on a newer timeline, and behind': says({ ...peer('n3', farBehind, { timeline: timeline(6) }), ...lately }),
      'is as far, of higher priority': says({ ...peer('n3', level, { failoverPriority: 2 }), ...lately }),
      'is as far, and went down again and again': says({ ...peer('n3', level, { crashes: 3 }), ...lately }),
      'gives no position': says({ ...peer('n3', null), ...lately }),
      'is starting': says({ ...peer('n3', null, { state: 'starting' }), ...lately }),
      'was not asked': says({
        ...peer('n3', level),
        askedMs: agoMs(20_000),
        last: { kind: 'answered', atMs: agoMs(20_000) },
      }),
      'was asked just now': says({
        ...peer('n3', level),
        askedMs: agoMs(20_000),
        last: { kind: 'waiting', sinceMs: agoMs(50) },
      }),
      'was asked 400 ms ago': says({
        ...peer('n3', level),
        askedMs: agoMs(20_000),
        last: { kind: 'waiting', sinceMs: agoMs(400) },
      }),
      'is silent': both(known(null), says(silent('n3'))),
      'is silent, last known ahead': both(known(furtherOn), says(silent('n3'))),
    }),
    dimension('I wait for it', {
      'not yet': asIs,
      'for 2 s': remember({ turns: [{ member: 'n3', sinceMs: agoMs(2_000) }] }),
      'for 6 s': remember({ turns: [{ member: 'n3', sinceMs: agoMs(6_000) }] }),
    }),
  ],
};

function goneFor(seen: Parameters<Change>[0], ms: number): ReturnType<Change> {
  if (seen.dcs.kind === 'unreachable' || seen.dcs.vacancy === null) return seen;
  return { ...seen, dcs: { ...seen.dcs, vacancy: { ...seen.dcs.vacancy, sinceMs: agoMs(ms) } } };
}
function lastWas(seen: Parameters<Change>[0], name: string): ReturnType<Change> {
  if (seen.dcs.kind === 'unreachable' || seen.dcs.vacancy === null) return seen;
  return { ...seen, dcs: { ...seen.dcs, vacancy: { ...seen.dcs.vacancy, last: leaderKey(name) } } };
}

/** Without the key, be it free or on a lease that is not mine. Here I am n1. */
const withoutKey: Chapter = {
  title: 'a primary without a lease',
  start: { ...leading, held: null },
  dimensions: [
    dimension('the key', { 'is free': inCluster({ leader: null }), 'bears my name, on another lease': strangeKey }),
    paused,
    dimension('job', {
      none: asIs,
      checkpoint: busy(jobs.checkpoint),
      startPrimary: busy(jobs.startPrimary),
      stop: busy(jobs.stop),
    }),
    identity,
    only(
      postgres,
      'starting primary',
      'stopping primary',
      'silent primary',
      'primary',
      'primary, old timeline',
      'primary of half a bootstrap',
    ),
    only(guards, 'armed', 'armed, soon', 'armed, over', 'disarmed', 'absent'),
    dimension('without a lease for', {
      'a moment': asIs,
      'longer than retry_timeout': remember({ unleasedSinceMs: agoMs(11_000) }),
    }),
    dimension('n3', {
      'is a standby': asIs,
      'runs as primary of a newer timeline': says(
        peer('n3', level, { runsAsPrimary: true, noPrimary: false, timeline: timeline(6) }),
      ),
      'runs as primary of mine': says(peer('n3', level, { runsAsPrimary: true, noPrimary: false })),
    }),
  ],
};

const stopped: Chapter = {
  title: 'nobody leads: PostgreSQL is down',
  start: vacant,
  dimensions: [
    only(postgres, ...stoppedKinds),
    paused,
    only(identity, 'done', 'claimed by n3', 'claimed by nobody, for long'),
    dimension('stepping down', {
      no: asIs,
      'the key is given': remember({
        stepDown: { term: held.term, candidate: null, sinceMs: agoMs(5_000), shutdownLsn: lsnOf(5n), givenUp: false },
      }),
      'the key was lost': remember({
        stepDown: { term: held.term, candidate: null, sinceMs: agoMs(5_000), shutdownLsn: null, givenUp: false },
      }),
    }),
    dimension('for', { 'a moment': asIs, '6 s': (seen) => goneFor(seen, 6_000) }),
    dimension('the last job', {
      none: asIs,
      'a failed start': ended(jobs.startStandby, 'failed'),
      'a rewind': ended(jobs.rewind, 'done'),
    }),
  ],
};

const primaryElsewhere: Chapter = {
  title: 'nobody leads here, and the primary may be in another cluster',
  start: vacant,
  dimensions: [
    dimension('standby_cluster', {
      'is not set': asIs,
      'is set': set({ cluster: { standbyCluster: { host: 'far' } } }),
    }),
    only(requests, 'none', 'failover to me'),
    paused,
    postgres,
    dimension('the key', {
      "is nobody's": asIs,
      'is mine': (seen) => ({ ...withCluster(seen, { leader: leaderKey('n2') }), held }),
    }),
    only(identity, 'done', 'absent'),
  ],
};

export const nobody: readonly Chapter[] = [
  whatRuns,
  isItOver,
  mayI,
  ...elected,
  whoseTurn,
  withoutKey,
  stopped,
  primaryElsewhere,
];
