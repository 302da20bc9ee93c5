import { faultNames, type RunMode } from '../../src/sim/run.ts';

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const edit = (file: string, find: string, replace: string): Edit => ({ file: `src/${file}`, find, replace });

/**
 * Where a mutant is judged. The guards stand behind one another, so that one that is missing does not show: here those behind
 * it are gone, too, and with them the faults that only they answer. The same ground without the mutant must keep the laws,
 * on the same seeds: that shows what the thing that was taken away did by itself.
 */
export interface Ground {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Null: all there are. */
  readonly faults: readonly string[] | null;
  /** Absent: async. */
  readonly mode?: RunMode;
  /** How many members are Patronis; absent: one, in one run of twelve. */
  readonly peers?: number;
}

export interface Guards {
  readonly deadman: readonly Edit[];
  readonly guardian: readonly Edit[];
  readonly sentinel: readonly Edit[];
}

/** Each guard of the deadline, silenced. */
export const guards: Guards = {
  deadman: [edit('agent/deadman.ts', '      strike();', '      void strike;')],
  guardian: [edit('guardian/strike.ts', "if (verdict.kind === 'strike') strike(world, verdict);", '')],
  sentinel: [edit('sim/sentinel.ts', 'if (left <= 0) strike();', 'if (left < -1e12) strike();')],
};

const needsGuards =
  /agent (killed|down|frozen)|agent and|all guards|guardian|sentinel|postmaster frozen|pause|it has the key|job is at/;

/** The rules of the loop, and nothing behind them: no agent dies or hangs. */
export const rulesAlone: Ground = {
  name: 'the rules alone',
  edits: [...guards.deadman, ...guards.guardian, ...guards.sentinel],
  faults: faultNames.filter((name) => !needsGuards.test(name) && !/^disk/.test(name)),
};

/** A loop that stands still for longer than any lease, now and then, and no second process: the dead-man switch is left. */
export const loopStalls: Ground = {
  name: 'the dead-man switch alone',
  edits: [
    ...guards.guardian,
    ...guards.sentinel,
    edit(
      'agent/loop.ts',
      '    cycle += 1;\n',
      '    cycle += 1;\n    if (cycle % 40 === 0) await clock.sleep(75_000);\n',
    ),
  ],
  faults: faultNames.filter((name) => !needsGuards.test(name)),
};

/** Few faults, and those often, among our own agents: the moments that they make are rare among all the others. */
const often = (name: string, faults: readonly string[]): Ground => ({
  name,
  edits: [],
  faults: faultNames.filter((one) => faults.includes(one)),
  peers: 0,
});
/** What ours do beside one that has no guard, counts its lease from the answer, and puts its name over another's: its loop stands still, and keys go. */
export const besidePatroni: Ground = {
  ...often('beside a Patroni whose loop stands still, and whose key goes', [
    'agent frozen',
    'suspended',
    'shut out from etcd',
    'leader key deleted by hand',
    'some keys deleted by hand',
    'etcd frozen',
    'network slow',
    'one-way cut',
  ]),
  peers: 1,
};
/** A hook before each promotion takes its time, etcd goes meanwhile, and no rule calls the promotion off. */
export const slowHook: Ground = {
  ...often('a hook before the promotion takes 12 s, and no rule calls it off', [
    'leader key deleted by hand',
    'power cut',
    'etcd majority killed',
    'etcd majority frozen',
    'shut out from etcd',
    'isolated',
  ]),
  edits: [
    edit(
      'agent/postgres/jobs/promote.ts',
      '  if (settings.postgres.prePromote !== null) {',
      '  await world.clock.sleep(12_000);\n  if (settings.postgres.prePromote !== null) {',
    ),
    edit('decide/rules/safety.ts', '  leaderElsewhere,\n  leaseRunningOut,', '  leaderElsewhere,'),
  ],
};
/** A primary takes its key again, and the answer is lost. */
export const keyAgain: Ground = often('the key is taken again, without an answer', [
  'leader key deleted by hand',
  'struck as soon as it has the key',
  'etcd majority frozen',
  'etcd frozen',
  'one-way cut',
]);
/** Agents begin while the last primary goes on. */
export const beginsAnew: Ground = often('agents begin while the key is gone', [
  'leader key deleted by hand',
  'some keys deleted by hand',
  'agent killed',
  'agent frozen',
  'shut out from etcd',
  'isolated',
]);

/** All guards, every fault, and no acknowledged commit may be lost. */
export const synchronousMode: Ground = { name: 'in synchronous mode', edits: [], faults: null, mode: 'sync' };

/** Standbys come and go, so that nobody is waited for and then somebody is; the checkpointer is at its files each time. */
export const namesChange: Ground = {
  ...often('in synchronous mode, with a checkpointer at work and standbys that come and go', [
    'isolated',
    'power cut',
    'one-way cut',
    'postmaster killed',
    'postmaster frozen',
  ]),
  mode: 'sync',
  edits: [edit('sim/run.ts', "makeChance(seed, 'names').happens(0.3)", "makeChance(seed, 'names').happens(1)")],
};

/** Whoever leads is struck as it has the key, or as it has been promoted: agents and wires only, so that its server goes on. */
export const justPromoted: Ground = {
  ...often('in quorum mode, struck as it leads', [
    'struck as soon as a job is at a step',
    'struck as soon as it has the key',
    'power cut',
    'isolated',
    'agent frozen',
    'shut out from etcd',
  ]),
  mode: 'quorum',
};

/** A promotion takes seconds, and its agent begins anew meanwhile, without etcd. */
export const slowToRise: Ground = {
  ...often('in quorum mode, where promotions take seconds, and agents begin anew meanwhile', [
    'struck as soon as a job is at a step',
    'power cut',
    'postmaster killed',
    'leader key deleted by hand',
  ]),
  mode: 'quorum',
  edits: [
    edit('sim/draw.ts', 'if (chance.happens(0.2)) tuning.promoteMs = [500, 4000];', 'tuning.promoteMs = [2000, 6000];'),
    edit(
      'sim/faults.ts',
      "ambush('job step', sudden)",
      "ambush('job step', sudden.filter(({ name }) => name === 'agent killed' || name === 'shut out from etcd'))",
    ),
  ],
};

const stuckRequests = [
  'one write to etcd stuck',
  'requests to etcd stuck',
  'isolated',
  'postmaster killed',
  'agent killed',
  'power cut',
  'switchover asked',
  'restart asked',
];
/** Requests to etcd are carried out long after everybody gave them up. */
export const lateWrites: Ground = {
  ...often('in synchronous mode, with writes to /sync that are stuck and standbys that come and go', stuckRequests),
  mode: 'sync',
  edits: [
    edit(
      'sim/stuckWrite.ts',
      '...chance.pick(writes),',
      "...(chance.pick(writes) && ({ op: 'put', key: 'sync' } as const)),",
    ),
    edit(
      'sim/draw.ts',
      'chance.happens(0.25) ? { synchronous_node_count: 2 }',
      'chance.happens(1) ? { synchronous_node_count: 2 }',
    ),
  ],
};
export const lateReleases: Ground = often('writes to etcd are stuck, and the leader key is often given back', [
  'one write to etcd stuck',
  'switchover asked',
  'postmaster killed',
  'agent killed',
]);

export const quorumMode: Ground = { name: 'in quorum mode', edits: [], faults: null, mode: 'quorum' };

/** Few, and none whose end heals every wire: what takes etcd from one lasts longer than a lease. */
const takesEtcd: ReadonlySet<string> = new Set([
  'primary shut out and out of sight',
  'shut out from etcd',
  'etcd majority killed',
  'agent killed',
  'agent frozen',
  'power cut',
]);
/** The mode is on in every run, and most of what strikes takes etcd from somebody. */
export const failsafeMode: Ground = {
  name: 'in failsafe mode',
  edits: [
    edit('sim/draw.ts', 'chance.happens(0.5) ? { failsafe_mode: true } : {}', '({ failsafe_mode: chance.happens(2) })'),
  ],
  faults: faultNames.filter((name) => takesEtcd.has(name)),
};

/** The server of a primary goes down while etcd is away, and all members answer. */
export const crashWithoutEtcd: Ground = {
  ...often('in failsafe and synchronous mode, with etcd away and servers that go down', [
    'etcd majority killed',
    'etcd majority frozen',
    'postmaster killed',
    'shut out from etcd',
  ]),
  edits: failsafeMode.edits,
  mode: 'sync',
};

/** What standbys receive they replay a minute later, as where queries hold it up, and not before the next look where the stream has ended. */
export const lateReplay: Ground = {
  ...often('in quorum mode, with a replay that is a minute late', [
    'leader key deleted by hand',
    'struck as soon as the key is gone',
    'postmaster killed',
    'isolated',
    'network slow',
    'one-way cut',
    'power cut',
  ]),
  mode: 'quorum',
  edits: [
    edit(
      'sim/draw.ts',
      'if (chance.happens(0.2)) tuning.replayMs = [10, 2000];',
      'if (chance.happens(0.2) || true) tuning.replayMs = [40_000, 60_000];',
    ),
  ],
};
