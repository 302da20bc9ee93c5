import type { HeldLease, Initialize, Vacancy } from '../../src/model/cluster.ts';
import type { Job } from '../../src/model/job.ts';
import type { Memory, Observation } from '../../src/model/observation.ts';
import type { PeerReport } from '../../src/model/peers.ts';
import { instantMs, leaseId, lsn, revision, timeline } from '../../src/model/units.ts';
import {
  after,
  doneJob,
  held,
  leaderKey,
  leading,
  peer,
  silent,
  systemId,
  withCluster,
  withSettings,
} from '../decide/values.ts';
import { asIs, type Change, type Dimension, dimension, yesNo } from './chapter.ts';

/** What most chapters ask about. `agoMs` and `inMs` count from the now of every observation here. */

export const agoMs = (ms: number) => instantMs(leading.nowMs - ms);
export const inMs = (ms: number) => agoMs(-ms);

export const remember =
  (change: Partial<Memory>): Change =>
  (seen) => ({ ...seen, memory: { ...seen.memory, ...change } });
export const inCluster =
  (change: Parameters<typeof withCluster>[1]): Change =>
  (seen) =>
    withCluster(seen, change);
export const set =
  (change: Parameters<typeof withSettings>[1]): Change =>
  (seen) =>
    withSettings(seen, change);
export const change =
  (what: Partial<Observation>): Change =>
  (seen) => ({ ...seen, ...what });
/** One change after the other. */
export const both =
  (...changes: readonly Change[]): Change =>
  (seen) =>
    changes.reduce((so, one) => one(so), seen);

export const paused: Dimension = yesNo('paused', set({ cluster: { pause: true } }));
/** It said all that before. */
export const etcdAway: Change = (seen) =>
  seen.dcs.kind === 'unreachable'
    ? seen
    : { ...seen, dcs: { kind: 'unreachable', sinceMs: agoMs(3_000), why: 'x', lastSeen: seen.dcs.cluster } };

/** With a ttl of 30 s the clients go 5 s before the deadline, and a promotion needs 7.5 s. */
const lease = (more: Partial<HeldLease>): Change => change({ held: { ...held, ...more } });
export const leases: Dimension = dimension('lease', {
  none: change({ held: null }),
  fresh: asIs,
  'renewal due': lease({ sentMs: agoMs(9_500), deadlineMs: inMs(15_500) }),
  scarce: lease({ sentMs: agoMs(19_000), deadlineMs: inMs(6_000) }),
  'running out': lease({ sentMs: agoMs(21_000), deadlineMs: inMs(4_000) }),
  over: lease({ sentMs: agoMs(26_000), deadlineMs: agoMs(1_000) }),
  'taken over, unproven': lease({ proven: false }),
});
/** I held it, and the key is somebody else's now, or nobody's. */
export const leftLease: Dimension = dimension('lease', {
  none: asIs,
  'left over': change({ held }),
  'left over, running out': change({ held: { ...held, sentMs: agoMs(21_000), deadlineMs: inMs(4_000) } }),
});

const guardOf = (armedMs: HeldLease['deadlineMs'] | null): Observation['guard'] =>
  leading.guard.kind === 'present' ? { ...leading.guard, armedMs } : leading.guard;
/** After the lease: an armed guard keeps its deadline. */
export const guards: Dimension = dimension('guard', {
  armed: (seen) => ({ ...seen, guard: guardOf(seen.held?.deadlineMs ?? inMs(23_000)) }),
  'armed, soon': change({ guard: guardOf(inMs(4_000)) }),
  'armed, over': change({ guard: guardOf(agoMs(1_000)) }),
  disarmed: change({ guard: guardOf(null) }),
  absent: change({ guard: { kind: 'absent', why: 'no guardian could be started' } }),
  off: change({ guard: { kind: 'off' } }),
});

const at = { modRevision: revision(2n) };
const claim = (owner: string | null): Initialize => ({
  ...at,
  kind: 'bootstrapping',
  createRevision: revision(2n),
  owner: owner === null ? null : { name: owner, modRevision: revision(3n) },
});
const initialized = (initialize: Initialize): Change => inCluster({ initialize });
export const identity: Dimension = dimension('initialize', {
  done: initialized({ ...at, kind: 'done', systemId }),
  'of another cluster': initialized({ ...at, kind: 'done', systemId: '999999999999' }),
  absent: initialized({ kind: 'absent' }),
  garbage: initialized({ ...at, kind: 'invalid', text: 'x' }),
  'claimed by me': (seen) => withCluster(seen, { initialize: claim(seen.settings.local.name) }),
  'claimed by n3': initialized(claim('n3')),
  'claimed by nobody, just now': initialized(claim(null)),
  'claimed by nobody, for long': both(initialized(claim(null)), remember({ unclaimedSinceMs: agoMs(120_000) })),
});

const premise = { term: held.term, leader: 'n1', systemId };
const upstream = { member: 'n1', host: 'n1', port: 5432, slot: 'n2' };
const noBudget = { immediateAtMs: null, killAtMs: null };
export const jobs = {
  bootstrap: { kind: 'bootstrap' },
  clone: { kind: 'clone', from: upstream, premise },
  startPrimary: { kind: 'startPrimary', premise, limitMs: 300_000 },
  startStandby: { kind: 'startStandby', upstream },
  follow: { kind: 'follow', upstream },
  stop: { kind: 'stop', mode: 'fast', budget: noBudget, checkpointFirst: false, why: 'x' },
  restart: { kind: 'restart', as: 'primary', upstream: null, premise, limitMs: 300_000 },
  'restart as standby': { kind: 'restart', as: 'standby', upstream, premise, limitMs: 300_000 },
  promote: { kind: 'promote', premise, mine: timeline(5), taken: timeline(5) },
  checkpoint: { kind: 'checkpoint' },
  rewind: { kind: 'rewind', from: upstream, premise },
  copySlots: { kind: 'copySlots', from: upstream, upstream, slots: [], premise },
  checkDivergence: { kind: 'checkDivergence', from: upstream, leaderTimeline: timeline(5) },
  crashRecovery: { kind: 'crashRecovery' },
  clearOrphans: { kind: 'clearOrphans' },
  removeData: { kind: 'removeData', why: 'x', premise, force: true, leader: upstream },
} as const satisfies Readonly<Record<string, Job>>;

export const busy =
  (job: Job, { forMs = 1_000, cancelling = false } = {}): Change =>
  (seen) => ({
    ...seen,
    jobs: { kind: 'busy', job, sinceMs: agoMs(forMs), progress: null, cancelling, last: null },
  });
export const ended =
  (job: Job, end: 'done' | 'failed' | 'cancelled', forMs = 100): Change =>
  (seen) =>
    after(seen, job, doneJob(job, agoMs(forMs), { ended: end, error: end === 'done' ? null : 'x' }));

/** What a peer last told, and when. Appended: what the chapter begins with says nothing of it. */
export const says =
  (report: PeerReport): Change =>
  (seen) => ({ ...seen, peers: [...seen.peers.filter(({ name }) => name !== report.name), report] });
export const level = lsn('0/5000100');
export const furtherOn = lsn('0/5000900');
export const farBehind = lsn('0/4000000');

/** The last leader's key, in the chapters where nobody has it. */
const vacancy =
  (change: Partial<Vacancy>, sinceMs = 100): Change =>
  (seen) =>
    seen.dcs.kind === 'unreachable'
      ? seen
      : {
          ...seen,
          dcs: {
            ...seen.dcs,
            vacancy: {
              last: leaderKey('n1'),
              sinceMs: agoMs(sinceMs),
              released: false,
              lease: { kind: 'unknown' },
              ...change,
            },
          },
        };
const neverSeen =
  (sinceMs: number): Change =>
  (seen) =>
    seen.dcs.kind === 'unreachable'
      ? seen
      : { ...seen, startedMs: agoMs(sinceMs), dcs: { ...seen.dcs, sinceMs: agoMs(sinceMs), vacancy: null } };
export const vacancies: Dimension = dimension('the key', {
  released: vacancy({ released: true }),
  'its lease ended': vacancy({ lease: { kind: 'ended' } }),
  'its lease lives': vacancy({ lease: { kind: 'alive', leftMs: 20_000, askedMs: agoMs(50) } }),
  'gone, its lease not asked': vacancy({}),
  'gone longer than a ttl': vacancy({}, 33_000),
  'never seen, begun just now': neverSeen(100),
  'never seen for a ttl': neverSeen(31_000),
});

/** The key bears my name, and hangs on a lease that is not mine. */
export const strangeKey: Change = inCluster({ leader: { ...leaderKey('n1'), lease: leaseId(9n) } });

export const word = (name: string): Readonly<Record<string, Change>> => ({
  'says nothing': says(silent(name)),
  'says it is no primary': says(peer(name, level)),
  'says it runs as primary': says(peer(name, level, { runsAsPrimary: true, noPrimary: false, role: 'primary' })),
  'has just begun, and does not know': says(peer(name, null, { noPrimary: false, state: 'starting' })),
  'said so before': says({ ...peer(name, level), askedMs: agoMs(5_000) }),
});

const request = (leader: string | null, candidate: string | null): Change =>
  inCluster({ failover: { leader, candidate, scheduledAt: null, problem: null, modRevision: revision(89n) } });
/** What somebody asked for, as /failover has it. */
export const requests = dimension('request', {
  none: asIs,
  'failover to me': request(null, 'n2'),
  'from n1 to me': request('n1', 'n2'),
  'from n1 to n3': request('n1', 'n3'),
  'from n1': request('n1', null),
  'from me': request('n2', null),
});
