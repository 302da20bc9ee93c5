import type { Ask, RestartTerms } from '../../../src/model/ask.ts';
import { wallMs } from '../../../src/model/units.ts';
import { held, leading, member, vacant } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only, yesNo } from '../chapter.ts';
import {
  agoMs,
  both,
  busy,
  change,
  ended,
  etcdAway,
  guards,
  identity,
  inCluster,
  jobs,
  leases,
  paused,
  remember,
  says,
  set,
  strangeKey,
} from '../dimensions.ts';
import { mainKinds, postgres } from '../postgres.ts';

const anyhow: RestartTerms = { role: null, pendingOnly: false, belowVersion: null, timeoutMs: null };

/** What does not hang on who leads: etcd away, a job at work, a cluster being born, people who ask. I am n1. */

const away: Chapter = {
  title: 'etcd does not answer',
  start: etcdAway(leading),
  dimensions: [
    dimension('job', {
      none: asIs,
      stop: busy(jobs.stop),
      promote: busy(jobs.promote),
      startPrimary: busy(jobs.startPrimary),
      clone: busy(jobs.clone),
    }),
    postgres,
    paused,
    only(leases, 'none', 'fresh', 'scarce', 'running out', 'over', 'taken over, unproven'),
    only(guards, 'armed', 'armed, soon', 'armed, over', 'disarmed', 'absent', 'off'),
    dimension('without a lease for', {
      'a moment': asIs,
      'longer than retry_timeout': remember({ unleasedSinceMs: agoMs(11_000) }),
    }),
  ],
  cannotBe: (is) =>
    (is('lease', 'over') && is('guard', 'armed')) ||
    (!is('lease', 'none') && (is('guard', 'armed, soon') || is('without a lease for', 'longer than retry_timeout'))),
};

const strange: Chapter = {
  title: 'the key bears my name, on a lease that is not mine',
  start: strangeKey({ ...leading, held: null }),
  dimensions: [
    postgres,
    dimension('my name', {
      'is mine': asIs,
      'nobody was asked': change({ name: { kind: 'free', asked: false } }),
      'not asked yet': change({ name: { kind: 'unchecked' } }),
      'is in use': change({ name: { kind: 'inUse', why: 'x' } }),
      'is registered elsewhere': inCluster({ members: [member('n1', { host: 'n9' })] }),
    }),
    paused,
    dimension('my lease', { none: asIs, another: change({ held }) }),
    dimension('without a lease for', {
      'a moment': asIs,
      'longer than retry_timeout': remember({ unleasedSinceMs: agoMs(11_000) }),
    }),
    only(guards, 'armed', 'disarmed', 'absent', 'off'),
  ],
};

const leader = dimension('leader', {
  me: asIs,
  n3: both(
    change({ held: null }),
    inCluster({ leader: { name: 'n3', term: held.term, lease: held.lease, modRevision: held.term as never } }),
  ),
  nobody: both(change({ held: null }), inCluster({ leader: null })),
  'not known': both(change({ held: null }), etcdAway),
});

const atWork: Chapter = {
  title: 'a job is at work',
  start: leading,
  dimensions: [
    paused,
    leader,
    dimension('job', Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, busy(job)]))),
    yesNo('cancelling', (seen) =>
      seen.jobs.kind === 'busy' ? { ...seen, jobs: { ...seen.jobs, cancelling: true } } : seen,
    ),
    only(
      postgres,
      'no data',
      'half a copy',
      'stopped primary',
      'crashed primary',
      'stopped standby',
      'backends left over',
      'starting primary',
      'starting standby',
      'stopping primary',
      'primary',
      'standby',
    ),
  ],
};

const born: Chapter = {
  title: 'a cluster is born',
  start: inCluster({ leader: null, clusterTimeline: null, status: null, history: null })({
    ...leading,
    held: null,
    guard: vacant.guard,
  }),
  dimensions: [
    identity,
    dimension('job', {
      none: asIs,
      'bootstrap runs': busy(jobs.bootstrap),
      'bootstrap is cancelled': busy(jobs.bootstrap, { cancelling: true }),
      'bootstrap is done': ended(jobs.bootstrap, 'done'),
      'bootstrap failed': ended(jobs.bootstrap, 'failed'),
      'bootstrap was cancelled': ended(jobs.bootstrap, 'cancelled'),
    }),
    only(
      postgres,
      'no data',
      'half a copy',
      'half a bootstrap',
      'stopped primary',
      'crashed primary',
      'stopped standby',
      'crashed standby',
      'restored backup',
      'starting primary',
      'primary',
      'primary of half a bootstrap',
      'standby',
    ),
    paused,
    dimension('bootstrap here', {
      'may be': asIs,
      'has no section': (seen) => ({
        ...seen,
        settings: { ...seen.settings, local: { ...seen.settings.local, bootstrap: null } },
      }),
      'is for others': set({ tags: { nofailover: true } }),
    }),
  ],
};

/** What was seen last tells a server that has just been made from one that is to follow. */
const bornUnseen: Chapter = {
  ...born,
  title: 'a cluster is born, and etcd does not answer',
  dimensions: [
    ...born.dimensions.filter(({ name }) => name !== 'bootstrap here'),
    dimension('etcd', { away: etcdAway }),
  ],
};

const bornElsewhere: Chapter = {
  title: 'a cluster is born: what the others say of the claim that nobody owns',
  start: inCluster({
    leader: null,
    clusterTimeline: null,
    status: null,
    history: null,
    members: [member('n1'), member('n3')],
  })({ ...leading, held: null, guard: vacant.guard }),
  dimensions: [
    only(identity, 'claimed by nobody, just now', 'claimed by nobody, for long'),
    only(postgres, 'no data', 'primary', 'stopped primary', 'standby'),
    dimension('n3', {
      'says nothing': asIs,
      'is not there': inCluster({ members: [member('n1')] }),
      'says it has nothing': says({ ...silentPeer(), askedMs: agoMs(10), said: saidOf('stopped', 'uninitialized') }),
      'says it makes the cluster': says({
        ...silentPeer(),
        askedMs: agoMs(10),
        said: saidOf('initializing new cluster', 'uninitialized'),
      }),
      'says it runs as primary': says({ ...silentPeer(), askedMs: agoMs(10), said: saidOf('running', 'primary') }),
      'wrote that it makes the cluster': inCluster({
        members: [member('n1'), member('n3', { state: 'initializing new cluster' })],
      }),
    }),
  ],
};

function saidOf(state: string, role: string) {
  return {
    state,
    role,
    runsAsPrimary: role === 'primary',
    noPrimary: role !== 'primary',
    position: null,
    lookedAgoMs: 0,
    hasWithdrawn: null,
    timeline: null,
    nofailover: false,
    failoverPriority: 1,
    watchdogFailed: false,
    systemId: null,
  };
}
function silentPeer() {
  return { name: 'n3', apiUrl: 'http://n3:8008/patroni', last: { kind: 'answered', atMs: agoMs(5) } } as const;
}

const ask = (...asks: readonly Ask[]): Change => change({ asks });
const restart = {
  id: 1,
  kind: 'restart',
  role: null,
  pendingOnly: false,
  belowVersion: null,
  timeoutMs: null,
  schedule: null,
  raw: {},
} as const;
const asks = dimension('asked to', {
  stop: ask({ id: 1, kind: 'stop' }),
  reload: ask({ id: 1, kind: 'reload' }),
  reinitialize: ask({ id: 1, kind: 'reinitialize', force: false, fromLeader: false }),
  'reinitialize, force': ask({ id: 1, kind: 'reinitialize', force: true, fromLeader: false }),
  restart: ask(restart),
  'restart as a primary': ask({ ...restart, role: 'primary' }),
  'restart later': ask({ ...restart, schedule: wallMs(leading.wallMs + 60_000) }),
  'forget the restart': ask({ id: 1, kind: 'cancelScheduledRestart' }),
});

const asked: Chapter = {
  title: 'people ask',
  start: leading,
  dimensions: [
    asks,
    paused,
    dimension('job', {
      none: asIs,
      clone: busy(jobs.clone),
      stop: busy(jobs.stop),
      'stop, cancelled': busy(jobs.stop, { cancelling: true }),
    }),
    dimension('leader', leader.values),
    only(
      postgres,
      'no data',
      'half a copy',
      'unreadable',
      'stopped primary',
      'crashed primary',
      'stopped primary, old timeline',
      'stopped standby',
      'restored backup',
      'starting primary',
      'stopping primary',
      'silent primary',
      'silent standby',
      'primary',
      'standby',
    ),
    yesNo('a restart is planned', planned(60_000)),
  ],
};

function planned(inMs: number): Change {
  return remember({
    scheduledRestart: {
      at: wallMs(leading.wallMs + inMs),
      postmasterStartedWallMs: wallMs(1_000),
      terms: anyhow,
      raw: {},
    },
  });
}

const due: Chapter = {
  title: 'a planned restart',
  start: leading,
  dimensions: [
    paused,
    dimension('job', { none: asIs, checkpoint: busy(jobs.checkpoint) }),
    leader,
    dimension('planned for', {
      later: planned(60_000),
      now: planned(-1_000),
      'long ago': planned(-60_000),
      'now, another server': remember({
        scheduledRestart: {
          at: wallMs(leading.wallMs - 1_000),
          postmasterStartedWallMs: wallMs(999),
          terms: anyhow,
          raw: {},
        },
      }),
      'now, for a standby': remember({
        scheduledRestart: {
          at: wallMs(leading.wallMs - 1_000),
          postmasterStartedWallMs: wallMs(1_000),
          terms: { ...anyhow, role: 'replica' },
          raw: { role: 'replica' },
        },
      }),
    }),
    only(postgres, 'stopped primary', 'starting primary', 'silent primary', 'primary', 'standby'),
  ],
};

const unreadName: Chapter = {
  title: 'another agent answers under my name',
  start: { ...leading, name: { kind: 'inUse', why: 'x' } },
  dimensions: [leader, only(postgres, ...mainKinds), paused],
};

export const others: readonly Chapter[] = [
  away,
  strange,
  atWork,
  born,
  bornUnseen,
  bornElsewhere,
  asked,
  due,
  unreadName,
];
