import { lsn, revision, term, timeline, wallMs } from '../../../src/model/units.ts';
import { held, leaderKey, leading, peer, primary, silent, standby } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only } from '../chapter.ts';
import {
  agoMs,
  busy,
  change,
  ended,
  etcdAway,
  farBehind,
  guards,
  identity,
  inCluster,
  jobs,
  leases,
  level,
  paused,
  remember,
  says,
  set,
  strangeKey,
} from '../dimensions.ts';
import { mainKinds, postgres, stoppedKinds } from '../postgres.ts';
import { tellLease } from '../tell.ts';
import { hung, stoppedHung } from './hung.ts';

/** I am n1, and hold the key. */

const unguarded = dimension('unguarded for', {
  'a moment': asIs,
  retry_timeout: remember({ unguardedSinceMs: agoMs(11_000) }),
  'a ttl': remember({ unguardedSinceMs: agoMs(31_000) }),
});

const whatRuns: Chapter = {
  title: 'I lead: what runs here, and the lease behind it',
  start: leading,
  dimensions: [
    postgres,
    paused,
    only(leases, 'fresh', 'scarce', 'running out', 'over', 'taken over, unproven'),
    only(guards, 'armed', 'armed, over', 'disarmed', 'absent', 'off'),
    unguarded,
  ],
  cannotBe: (is) =>
    (is('lease', 'over') && is('guard', 'armed')) ||
    (!is('unguarded for', 'a moment') && (is('paused', 'yes') || is('guard', 'armed', 'off'))),
};

const lease: Chapter = {
  title: 'the lease layer, asked first whatever else is so',
  start: leading,
  told: tellLease,
  dimensions: [
    dimension('etcd', {
      'shows my key': asIs,
      'shows my name on another lease': strangeKey,
      'shows my name in another term': inCluster({ leader: { ...leaderKey('n1'), term: term(41n) } }),
      'shows n3': inCluster({ leader: leaderKey('n3') }),
      'shows nobody': inCluster({ leader: null }),
      'does not answer': etcdAway,
    }),
    leases,
    paused,
    only(guards, 'armed', 'armed, over', 'disarmed', 'absent', 'off'),
    only(postgres, 'no data', 'stopped primary', 'primary', 'standby'),
    dimension('job', { none: asIs, stop: busy(jobs.stop), promote: busy(jobs.promote) }),
  ],
};

const whoWeAre: Chapter = {
  title: 'I lead: what etcd says of the identity',
  start: leading,
  dimensions: [identity, only(postgres, ...mainKinds), paused],
};

/** n2 and n3 stream from n1. Each as n1 heard of it last. */
const taker = (name: string): Readonly<Record<string, Change>> => ({
  'has all': says(peer(name, level)),
  'lacks the shutdown checkpoint': says(peer(name, primary.control.checkpoint)),
  'far behind': says(peer(name, farBehind)),
  'has all, nofailover': says(peer(name, level, { nofailover: true })),
  'has all, watchdog failed': says(peer(name, level, { watchdogFailed: true })),
  'has all, its etcd is away': says(peer(name, level, { etcdAwayMs: 3_000 })),
  'runs as primary': says(peer(name, level, { runsAsPrimary: true, noPrimary: false })),
  'on another timeline': says(peer(name, level, { timeline: timeline(4) })),
  'gives no position': says(peer(name, null)),
  silent: says(silent(name)),
  'not asked of late': says({ ...peer(name, level), askedMs: agoMs(9_000) }),
  'asked, no answer yet': says({
    ...peer(name, level),
    askedMs: agoMs(9_000),
    last: { kind: 'waiting', sinceMs: agoMs(50) },
  }),
});

const request = (leader: string | null, candidate: string | null, scheduledInMs: number | null = null): Change =>
  inCluster({
    failover: {
      leader,
      candidate,
      scheduledAt: scheduledInMs === null ? null : wallMs(leading.wallMs + scheduledInMs),
      problem: null,
      modRevision: revision(89n),
    },
  });
const requests = dimension('request', {
  'away from me': request('n1', null),
  'away from me to n2': request('n1', 'n2'),
  'failover to n2': request(null, 'n2'),
  'failover to me': request(null, 'n1'),
  'away from n3': request('n3', 'n2'),
  'away from me, in an hour': request('n1', null, 3_600_000),
  'away from me, due': request('n1', null, -1_000),
  'away from me, long due': request('n1', null, -60_000),
  'not to be read': inCluster({
    failover: { leader: 'n1', candidate: null, scheduledAt: null, problem: 'x', modRevision: revision(89n) },
  }),
});

const asked: Chapter = {
  title: 'I lead, and am the primary: a hand-over is asked for',
  start: leading,
  dimensions: [
    requests,
    paused,
    dimension('n2', taker('n2')),
    only(dimension('n3', taker('n3')), 'has all', 'far behind', 'silent', 'not asked of late'),
  ],
};

const askedOfOthers: Chapter = {
  title: 'I lead, and a hand-over is asked for while no primary runs here',
  start: leading,
  dimensions: [
    only(requests, 'away from me', 'failover to n2', 'failover to me'),
    only(postgres, ...mainKinds.filter((kind) => kind !== 'primary'), 'standby without stream'),
    paused,
  ],
};

const stepDown = (candidate: string | null, givenUp = false): Change =>
  remember({
    stepDown: {
      term: held.term,
      candidate,
      sinceMs: agoMs(5_000),
      shutdownLsn: null,
      givenUp,
    },
  });

const handOver: Chapter = {
  title: 'I lead, and stopped for a hand-over',
  start: leading,
  dimensions: [
    only(postgres, ...stoppedKinds, 'stopping primary', 'silent primary'),
    dimension('stepping down', {
      'for anybody': stepDown(null),
      'for n2': stepDown('n2'),
      'given up': stepDown('n2', true),
    }),
    dimension('down for', {
      'a moment': ended(jobs.stop, 'done'),
      '3 s': ended(jobs.stop, 'done', 4_000),
      'the stop failed': ended(jobs.stop, 'failed'),
    }),
    paused,
    dimension('n2', taker('n2')),
    only(dimension('n3', taker('n3')), 'has all', 'silent'),
  ],
};

const crashed: Chapter = {
  title: 'I lead, and PostgreSQL went down',
  start: leading,
  dimensions: [
    paused,
    only(
      dimension('n2', { ...taker('n2'), 'has all, went down as often': says(peer('n2', level, { crashes: 3 })) }),
      'has all',
      'far behind',
      'has all, nofailover',
      'has all, went down as often',
      'runs as primary',
      'silent',
      'not asked of late',
      'asked, no answer yet',
    ),
    dimension('primary_start_timeout', { '300 s': asIs, '0': set({ cluster: { primaryStartTimeoutMs: 0 } }) }),
    dimension('down for', {
      'a moment': remember({ crash: { sinceMs: agoMs(100), attemptsMs: [] } }),
      '1 s': remember({ crash: { sinceMs: agoMs(1_000), attemptsMs: [] } }),
      'longer than the timeout': remember({ crash: { sinceMs: agoMs(301_000), attemptsMs: [] } }),
      'the fourth time': remember({
        crash: { sinceMs: agoMs(100), attemptsMs: [1, 2, 3].map((n) => agoMs(n * 60_000)) },
      }),
      'again and again': remember({
        crash: { sinceMs: agoMs(100), attemptsMs: [1, 2, 3].map((n) => agoMs(n * 1_000)) },
        crashes: [0.1, 1, 2, 3, 4].map((n) => agoMs(n * 1_000)),
      }),
    }),
    only(postgres, ...stoppedKinds),
    dimension('the start before', { none: asIs, failed: ended(jobs.startPrimary, 'failed') }),
  ],
};

const more = lsn('0/5000200');
const rolledBack: Chapter = {
  title: 'I lead, and a start in place found that n2 has more of my timeline',
  start: leading,
  dimensions: [
    only(postgres, ...stoppedKinds),
    paused,
    dimension('n2', {
      'may lead': (seen) => ({ ...seen, peers: [peer('n2', more, { replayed: more }), peer('n3', level)] }),
      'may not lead': (seen) => ({ ...seen, peers: [peer('n2', more, { replayed: more, nofailover: true })] }),
      'is silent': (seen) => ({ ...seen, peers: [silent('n2'), peer('n3', level)] }),
    }),
    dimension('down for', { 'a moment': asIs, '1 s': remember({ crash: { sinceMs: agoMs(1_000), attemptsMs: [] } }) }),
    dimension('it was', {
      found: (seen) => {
        const failed = ended(jobs.startPrimary, 'failed')(seen);
        const last = failed.jobs.last && { ...failed.jobs.last, behind: { member: 'n2', lsn: more } };
        return { ...failed, jobs: { kind: 'idle', last } };
      },
    }),
  ],
};

const startsLong: Chapter = {
  title: 'I lead, and a start takes its time',
  start: leading,
  dimensions: [
    dimension('the start', {
      'by PostgreSQL alone': asIs,
      'a job': busy(jobs.startPrimary),
      'a restart': busy(jobs.restart),
      'a restart as standby': busy(jobs['restart as standby']),
      'being cancelled': busy(jobs.startPrimary, { cancelling: true }),
    }),
    only(postgres, 'starting primary', 'starting standby', 'stopped primary', 'silent primary'),
    paused,
    dimension('primary_start_timeout', { '300 s': asIs, '0': set({ cluster: { primaryStartTimeoutMs: 0 } }) }),
    dimension('out for', {
      'a moment': asIs,
      '2 min': remember({ crash: { sinceMs: agoMs(120_000), attemptsMs: [] } }),
      '6 min': remember({ crash: { sinceMs: agoMs(360_000), attemptsMs: [] } }),
    }),
    only(dimension('n2', taker('n2')), 'has all', 'far behind', 'silent', 'not asked of late'),
  ],
};

const promotion: Chapter = {
  title: 'I lead: the promotion, and what came of it',
  start: { ...leading, postgres: { ...standby, receiver: null } },
  dimensions: [
    paused,
    dimension('promotion', {
      'not begun': asIs,
      runs: busy(jobs.promote),
      'is cancelled': busy(jobs.promote, { cancelling: true }),
      done: ended(jobs.promote, 'done'),
      failed: ended(jobs.promote, 'failed'),
      'was cancelled': ended(jobs.promote, 'cancelled'),
      'failed in another reign': ended({ ...jobs.promote, premise: { ...jobs.promote.premise, term: null } }, 'failed'),
    }),
    only(
      postgres,
      'standby without stream',
      'primary',
      'silent primary',
      'silent standby',
      'stopped standby',
      'crashed primary',
    ),
    only(leases, 'fresh', 'scarce', 'running out'),
    dimension('request', { none: asIs, 'failover to me': request(null, 'n1') }),
    dimension('timelines', {
      'mine is the newest': asIs,
      'announced with my key': inCluster({ announced: { timeline: timeline(6), modRevision: revision(40n) } }),
      'announced before': inCluster({ announced: { timeline: timeline(6), modRevision: revision(39n) } }),
      'a peer is on 7': says(peer('n3', lsn('0/5000100'), { timeline: timeline(7) })),
    }),
  ],
};

const unfenced: Chapter = {
  title: 'I lead: the guard in pause',
  start: leading,
  dimensions: [
    paused,
    dimension('job', {
      none: change({ jobs: { kind: 'idle', last: null } }),
      checkpoint: busy(jobs.checkpoint),
      stop: busy(jobs.stop),
    }),
    only(postgres, ...mainKinds),
    dimension('unfenced', { nobody: asIs, me: inCluster({ unfenced: 'n1' }), n3: inCluster({ unfenced: 'n3' }) }),
    only(guards, 'armed', 'armed, over', 'disarmed', 'absent', 'off'),
  ],
};

export const leads: readonly Chapter[] = [
  lease,
  whatRuns,
  whoWeAre,
  asked,
  askedOfOthers,
  handOver,
  crashed,
  rolledBack,
  startsLong,
  promotion,
  unfenced,
  hung,
  stoppedHung,
];
