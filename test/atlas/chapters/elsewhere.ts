import type { Divergence } from '../../../src/model/job.ts';
import { lsn, revision, timeline } from '../../../src/model/units.ts';
import { after, type cluster, doneJob, following, held, member, standby } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only, yesNo } from '../chapter.ts';
import {
  agoMs,
  busy,
  change,
  ended,
  guards,
  identity,
  inCluster,
  jobs,
  leftLease,
  paused,
  remember,
  set,
} from '../dimensions.ts';
import { postgres, stoppedKinds } from '../postgres.ts';

/** I am n2, and n1 holds the key. */

const whatRuns: Chapter = {
  title: 'n1 leads: what runs here',
  start: following,
  dimensions: [
    postgres,
    identity,
    paused,
    leftLease,
    only(guards, 'armed', 'armed, over', 'disarmed', 'absent', 'off'),
  ],
  cannotBe: (is) => is('initialize', 'claimed by nobody, for long') || is('initialize', 'claimed by n3'),
};

const leaderIs = (change: Partial<(typeof cluster)['members'][number]>): Change =>
  inCluster({ members: [member('n1', { role: 'primary', ...change }), member('n2'), member('n3')] });
const leader = dimension('n1', {
  'is primary': asIs,
  'is a standby yet': leaderIs({ role: 'replica' }),
  'has no checkpoint yet': leaderIs({ checkpointAfterPromote: false }),
  'is on a newer timeline': leaderIs({ timeline: timeline(6) }),
  'is stopping': leaderIs({ state: 'stopping' }),
  'has no address': leaderIs({ host: null }),
});

const judgedAs = (
  verdict: 'none' | 'diverged' | 'ahead',
  more: { rewound?: boolean; walGoneTimes?: number } = {},
): Change =>
  remember({
    divergence: {
      leader: 'n1',
      leaderTimeline: timeline(5),
      term: held.term,
      verdict,
      rewound: more.rewound === true,
      ...(more.walGoneTimes === undefined
        ? {}
        : { walGone: { segment: '000000050000000000000005', times: more.walGoneTimes, endedMs: agoMs(60_000) } }),
    },
  });
const history = dimension('my history', {
  'not compared': asIs,
  'is that of the leader': judgedAs('none'),
  diverged: judgedAs('diverged'),
  'was rewound': judgedAs('none', { rewound: true }),
  'ends where the leader has no WAL': judgedAs('none', { walGoneTimes: 3 }),
  'is ahead of the leader': (seen) => {
    const judged = judgedAs('ahead')(seen);
    const { divergence } = judged.memory;
    const ahead = { mine: standby.replayedLsn, leader: lsn('0/5000080') };
    return { ...judged, memory: { ...judged.memory, divergence: divergence && { ...divergence, ahead } } };
  },
});

const settings = dimension('settings', {
  rewind: asIs,
  'rewind, else copy': set({ postgres: { removeDataDirectoryOnRewindFailure: true } }),
  copy: set({ postgres: { usePgRewind: false, removeDataDirectoryOnDivergedTimelines: true } }),
  neither: set({ postgres: { usePgRewind: false } }),
});

const compared =
  (divergence: Divergence, forMs: number): Change =>
  (seen) =>
    after(seen, jobs.checkDivergence, doneJob(jobs.checkDivergence, agoMs(forMs), { divergence }));
const failures = (failed: number, forMs: number): Change =>
  remember({ repair: { failures: failed, notBeforeMs: agoMs(forMs), countedEndMs: agoMs(100) } });
const lastJob = dimension('the last job', {
  none: asIs,
  'a check that told nothing': compared({ kind: 'unknown', why: 'x' }, 100),
  'a failed start': ended(jobs.startStandby, 'failed'),
  'a failed rewind': ended(jobs.rewind, 'failed'),
  'the third failed rewind': (seen) => failures(3, 1)(ended(jobs.rewind, 'failed', 20_000)(seen)),
  'a rewind': ended(jobs.rewind, 'done'),
  'a copy': ended(jobs.clone, 'done'),
  'crash recovery': ended(jobs.crashRecovery, 'done'),
});

const comesBack: Chapter = {
  title: 'n1 leads: how a stopped server comes back',
  start: following,
  dimensions: [
    history,
    only(postgres, ...stoppedKinds),
    lastJob,
    paused,
    settings,
    only(leader, 'is primary', 'is a standby yet', 'has no checkpoint yet', 'has no address'),
  ],
};

const streams: Chapter = {
  title: 'n1 leads: a standby that runs',
  start: following,
  dimensions: [
    dimension('standby', {
      streams: asIs,
      'without stream': change({ postgres: { ...standby, receiver: null } }),
      'of another upstream': change({
        postgres: { ...standby, receiver: null, upstream: { host: 'n3', port: 5432, slot: 'n2' } },
      }),
      'without upstream': change({ postgres: { ...standby, receiver: null, upstream: null } }),
      'replay paused': change({ postgres: { ...standby, replayPaused: true } }),
      'replay paused, PostgreSQL 13': change({ postgres: { ...standby, replayPaused: true, serverVersion: 130_010 } }),
    }),
    paused,
    yesNo('nostream', set({ tags: { nostream: true } })),
    leader,
    dimension('without stream for', {
      'a moment': asIs,
      '1 s': remember({ notStreamingSinceMs: agoMs(1_000) }),
      '4 s': remember({ notStreamingSinceMs: agoMs(4_000) }),
    }),
    only(
      history,
      'not compared',
      'is that of the leader',
      'diverged',
      'ends where the leader has no WAL',
      'is ahead of the leader',
    ),
    only(settings, 'rewind', 'copy'),
    dimension('the last job', {
      none: asIs,
      'a follow just now': ended(jobs.follow, 'done', 100),
      'a failed follow': ended(jobs.follow, 'failed', 100),
      'a check just now': compared({ kind: 'none' }, 100),
      'a check a while ago': compared({ kind: 'unknown', why: 'x' }, 11_000),
    }),
  ],
};

const noData: Chapter = {
  title: 'n1 leads: no data here, or half of it',
  start: following,
  dimensions: [
    only(postgres, 'no data', 'half a copy', 'half a bootstrap', 'half a rewind', 'half removed', 'unreadable'),
    paused,
    leader,
    yesNo('nostream', set({ tags: { nostream: true } })),
    yesNo(
      'n3 offers copies',
      inCluster({
        members: [member('n1', { role: 'primary' }), member('n2'), member('n3', { tags: { clonefrom: true } })],
      }),
    ),
    dimension('the last job', {
      none: asIs,
      'a failed copy': ended(jobs.clone, 'failed'),
      'a removal': ended(jobs.removeData, 'done'),
      'a copy runs': busy(jobs.clone),
    }),
  ],
};

const cdc = { kind: 'logical', name: 'cdc', database: 'app', plugin: 'pgoutput' } as const;
const slotOfLeader = inCluster({
  status: { optime: lsn('0/5000100'), slots: { cdc: lsn('0/5000000') }, retainSlots: [], modRevision: revision(80n) },
});
const logicalSlots: Chapter = {
  title: 'n1 leads: a logical slot is to be kept on all',
  start: set({ cluster: { permanentSlots: [cdc] } })(following),
  dimensions: [
    yesNo('the leader has it', slotOfLeader),
    yesNo('wal_level is logical', (seen) =>
      set({ postgres: { parameters: { ...seen.settings.postgres.parameters, wal_level: 'logical' } } })(seen),
    ),
    dimension('standby', {
      streams: asIs,
      'without stream': change({ postgres: { ...standby, receiver: null } }),
      'PostgreSQL 17': change({ postgres: { ...standby, serverVersion: 170_002 } }),
    }),
    paused,
    yesNo('nofailover', set({ tags: { nofailover: true } })),
    only(leader, 'is primary', 'is a standby yet'),
    dimension('the last job', { none: asIs, 'a copy of slots': ended(jobs.copySlots, 'done') }),
  ],
};

export const elsewhere: readonly Chapter[] = [whatRuns, comesBack, streams, logicalSlots, noData];
