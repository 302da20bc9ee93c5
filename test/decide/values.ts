import { blankMemory } from '../../src/decide/decide.ts';
import type { Cluster, HeldLease, LeaderKey, Member } from '../../src/model/cluster.ts';
import type { FinishedJob, Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { PeerReport } from '../../src/model/peers.ts';
import type { ControlData, LocalPostgres, RunningPrimary, RunningStandby, Slot } from '../../src/model/postgres.ts';
import type { Settings } from '../../src/model/settings.ts';
import {
  type InstantMs,
  instantMs,
  type Lsn,
  leaseId,
  lsn,
  pid,
  revision,
  term,
  timeline,
  wallMs,
} from '../../src/model/units.ts';
import { settings } from './settings.ts';

/** One good value of each kind; a test takes one and changes one thing. */

export const systemId = '7711176136457438868';

export const control: ControlData = {
  systemId,
  state: 'in production',
  timeline: timeline(5),
  checkpoint: lsn('0/5000028'),
  redo: lsn('0/5000028'),
  minRecoveryEnd: lsn('0/0'),
  minRecoveryEndTimeline: timeline(0),
  checksums: true,
  walLogHints: true,
  version: 1300,
  recorded: {},
};

const running = {
  kind: 'running',
  pid: pid(4711),
  startedWallMs: wallMs(1_000),
  serverVersion: 150018,
  timeline: timeline(5),
  slots: [],
  senders: [],
  pendingRestart: {},
} as const;
export const primary: RunningPrimary = {
  ...running,
  role: 'primary',
  flushLsn: lsn('0/5000100'),
  walFreeBytes: null,
  checkpointPending: false,
  synchronous: { names: '', written: '', inForce: true, oldestWaitMs: null },
  control,
};
export const standby: RunningStandby = {
  ...running,
  role: 'standby',
  control: { ...control, state: 'in archive recovery' },
  receivedLsn: lsn('0/5000100'),
  replayedLsn: lsn('0/5000100'),
  replayedAt: null,
  replayPaused: false,
  receiver: {
    pid: null,
    status: 'streaming',
    timeline: timeline(5),
    writtenLsn: lsn('0/5000100'),
    latestEndLsn: null,
    slotName: 'n2',
    senderHost: 'n1',
    senderPort: 5432,
  },
  upstream: { host: 'n1', port: 5432, slot: 'n2' },
};
export const crashed: LocalPostgres = {
  kind: 'stopped',
  control,
  standbySignal: false,
  backupLabel: false,
  orphans: [],
  crashed: true,
};
export const cleanlyStopped: LocalPostgres = {
  kind: 'stopped',
  control: { ...control, state: 'shut down' },
  standbySignal: false,
  backupLabel: false,
  orphans: [],
  crashed: false,
};

export const member = (name: string, more: Partial<Member> = {}): Member => ({
  name,
  connUrl: `postgres://${name}:5432/postgres`,
  apiUrl: `http://${name}:8008/patroni`,
  proxyUrl: null,
  host: name,
  port: 5432,
  state: 'running',
  role: 'replica',
  version: '4.1.4',
  checkpointAfterPromote: null,
  tags: {},
  pendingRestart: false,
  pendingRestartReason: null,
  xlogLocation: lsn('0/5000100'),
  replayLsn: null,
  receiveLsn: null,
  replicationState: null,
  timeline: timeline(5),
  scheduledRestart: null,
  pause: false,
  other: { matriarch: 1 },
  modRevision: null,
  lease: null,
  ...more,
});

export const leaderKey = (name: string): LeaderKey => ({
  name,
  term: term(40n),
  lease: leaseId(7n),
  modRevision: revision(40n),
});
export const cluster: Cluster = {
  revision: revision(90n),
  initialize: { kind: 'done', systemId, modRevision: revision(2n) },
  leader: leaderKey('n1'),
  members: [member('n1', { role: 'primary' }), member('n2'), member('n3')],
  status: { optime: lsn('0/5000100'), slots: {}, retainSlots: [], modRevision: revision(80n) },
  failover: null,
  history: { lines: [], modRevision: revision(3n) },
  clusterTimeline: timeline(5),
  announced: null,
  unfenced: null,
  config: { text: '{"ttl":30}', createRevision: revision(3n), modRevision: revision(3n), lease: null },
  sync: null,
  failsafe: null,
  garbage: [],
};
const now = instantMs(1_000_000);
export const held: HeldLease = {
  lease: leaseId(7n),
  term: term(40n),
  ttlMs: 30_000,
  sentMs: instantMs(now - 2_000),
  deadlineMs: instantMs(now + 23_000),
  proven: true,
};

const base = {
  nowMs: now,
  beganMs: instantMs(now - 3),
  wallMs: wallMs(1_800_000_000_000),
  peers: [],
  failsafe: { promised: null, map: null, askingSinceMs: null, last: null },
  health: null,
  jobs: { kind: 'idle', last: null },
  asks: [],
  published: null,
  localHistory: [],
  name: { kind: 'free', asked: true },
  memory: blankMemory,
  startedMs: instantMs(now - 600_000),
  unapplied: false,
  settingsSinceMs: instantMs(0),
} as const;
const reachable = (seen: Cluster): Observation['dcs'] => ({
  kind: 'reachable',
  sinceMs: instantMs(now - 600_000),
  cluster: seen,
  readMs: now,
  vacancy: null,
});

/** n1: the primary, with the lease and an armed guard. */
export const leading: Observation = {
  ...base,
  settings: settings('n1'),
  postgres: primary,
  dcs: reachable(cluster),
  held,
  guard: { kind: 'present', pid: pid(5), armedMs: held.deadlineMs, freezeGuard: 'sentinel', device: 'unused' },
};
const disarmed: Observation['guard'] = {
  kind: 'present',
  pid: pid(5),
  armedMs: null,
  freezeGuard: 'sentinel',
  device: 'unused',
};
/** n2: a standby that streams from n1. */
export const following: Observation = {
  ...base,
  settings: settings('n2'),
  postgres: standby,
  dcs: reachable(cluster),
  held: null,
  guard: disarmed,
};

export const peer = (
  name: string,
  position: Lsn | null,
  more: Partial<NonNullable<PeerReport['said']>> = {},
): PeerReport => ({
  name,
  apiUrl: `http://${name}:8008/patroni`,
  askedMs: instantMs(now - 10),
  said: {
    state: 'running',
    role: 'replica',
    runsAsPrimary: false,
    noPrimary: true,
    position,
    lookedAgoMs: 0,
    hasWithdrawn: null,
    timeline: timeline(5),
    nofailover: false,
    failoverPriority: 1,
    watchdogFailed: false,
    systemId,
    ...more,
  },
  last: { kind: 'answered', atMs: instantMs(now - 5) },
});
export const silent = (name: string): PeerReport => ({
  name,
  apiUrl: `http://${name}:8008/patroni`,
  askedMs: null,
  said: null,
  last: { kind: 'silent', atMs: instantMs(now - 5), why: 'no answer' },
});

/** n2, 100 ms after the lease of n1 ended; it receives from nobody any more; n3 answered and is as far, n1 is silent. */
export const vacant: Observation = {
  ...following,
  dcs: {
    kind: 'reachable',
    sinceMs: instantMs(now - 600_000),
    cluster: { ...cluster, leader: null, members: [member('n2'), member('n3')] },
    readMs: now,
    vacancy: { last: leaderKey('n1'), sinceMs: instantMs(now - 100), released: false, lease: { kind: 'ended' } },
  },
  postgres: { ...standby, receiver: null, upstream: null, detached: true },
  peers: [silent('n1'), peer('n3', lsn('0/5000100'))],
  memory: { ...following.memory, overSinceMs: instantMs(now - 95) },
};

/** n1 has won the key, and is a standby still. */
export const won: Observation = { ...leading, postgres: { ...standby, receiver: null } };

export const withCluster = (seen: Observation, change: Partial<Cluster>): Observation =>
  seen.dcs.kind === 'reachable' ? { ...seen, dcs: { ...seen.dcs, cluster: { ...seen.dcs.cluster, ...change } } } : seen;
export const withSettings = (
  seen: Observation,
  change: {
    cluster?: Partial<Settings['cluster']>;
    postgres?: Partial<Settings['postgres']>;
    tags?: Partial<Settings['local']['tags']>;
  },
): Observation => ({
  ...seen,
  settings: {
    ...seen.settings,
    cluster: { ...seen.settings.cluster, ...change.cluster },
    postgres: { ...seen.settings.postgres, ...change.postgres },
    local: { ...seen.settings.local, tags: { ...seen.settings.local.tags, ...change.tags } },
  },
});
export const unreachable = (seen: Observation): Observation => ({
  ...seen,
  dcs: { kind: 'unreachable', sinceMs: instantMs(seen.nowMs - 3_000), why: 'no endpoint answers', lastSeen: cluster },
});

/** A job that was done, a moment ago unless `more` says otherwise. */
export const doneJob = (job: Job, endedMs: InstantMs = now, more: Partial<FinishedJob> = {}): FinishedJob => ({
  job,
  ended: 'done',
  error: null,
  startedMs: endedMs,
  endedMs,
  divergence: null,
  stage: null,
  ...more,
});
/** The same world, after it. */
export const after = (seen: Observation, job: Job, more: Partial<FinishedJob> = {}): Observation => ({
  ...seen,
  jobs: { kind: 'idle', last: doneJob(job, seen.nowMs, more) },
});

/** A physical slot that nobody uses just now. */
export const idleSlot = (name: string, more: Partial<Slot> = {}): Slot => ({
  name,
  kind: 'physical',
  active: false,
  temporary: false,
  restartLsn: lsn('0/4000000'),
  confirmedFlushLsn: null,
  xmin: false,
  catalogXmin: null,
  walStatus: 'reserved',
  database: null,
  plugin: null,
  failover: false,
  synced: false,
  safeWalBytes: null,
  ...more,
});
