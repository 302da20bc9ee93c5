import type { Decision, Fact } from '../model/decision.ts';
import type { Divergence, FinishedJob, Job, JobBoard } from '../model/job.ts';
import { type InstantMs, lsnText } from '../model/units.ts';
import type { Clock } from '../model/world.ts';
import type { Journal } from './journal.ts';

/** How a job's steps went, from the room that knows them. */
export type JobResult = Pick<FinishedJob, 'ended' | 'error' | 'divergence' | 'stage' | 'method' | 'behind'>;

export interface JobRunner {
  board(): JobBoard;
  /** `cause`: the decision behind it. It is told as the job begins: whoever dies of what it does has said why. */
  start(job: Job, cause: Pick<Decision, 'rule' | 'because'>): void;
  cancel(why: string): void;
  /** Settles when nothing runs. */
  idle(): Promise<void>;
}

interface Running {
  readonly job: Job;
  readonly sinceMs: InstantMs;
  readonly abort: AbortController;
  progress: string | null;
  progressMs?: InstantMs;
  cancelling: boolean;
  cancelledMs?: InstantMs;
}

/** Runs one job at a time beside the loop, and wakes the loop when it ends. */
export function makeJobRunner(deps: {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly perform: (
    job: Job,
    signal: AbortSignal,
    progress: (text: string) => void,
    cause: Pick<Decision, 'rule' | 'because'>,
  ) => Promise<JobResult>;
  readonly ended: (job: FinishedJob) => void;
}): JobRunner {
  let last: FinishedJob | null = null;
  let running: Running | null = null;
  let work: Promise<void> = Promise.resolve();

  async function run(now: Running, { rule, because }: Pick<Decision, 'rule' | 'because'>): Promise<void> {
    const { job, sinceMs } = now;
    const why: readonly Fact[] = [['rule', rule], ...because];
    deps.journal.record({ kind: 'job', job: job.kind, step: brief(job), outcome: 'begun', because: why });
    const result = await attempt(() =>
      deps.perform(
        job,
        now.abort.signal,
        (text) => {
          now.progress = text;
          now.progressMs = deps.clock.now();
        },
        { rule, because },
      ),
    );
    const endedMs = deps.clock.now();
    last = { job, startedMs: sinceMs, endedMs, ...result };
    running = null;
    deps.journal.record({
      kind: 'job',
      job: job.kind,
      step: brief(job),
      outcome: result.ended === 'done' ? 'done' : result.ended,
      because: [
        ['tookMs', Math.round(endedMs - sinceMs)],
        ...(result.error === null ? [] : [['error', result.error] as const]),
        ...(result.method === undefined ? [] : [['method', result.method] as const]),
        ...(result.stage === null ? [] : [['stage', result.stage] as const]),
        ...divergenceFacts(result.divergence),
      ],
    });
    deps.ended(last);
  }

  return {
    board: () =>
      running === null
        ? { kind: 'idle', last }
        : {
            kind: 'busy',
            job: running.job,
            sinceMs: running.sinceMs,
            progress: running.progress,
            ...(running.progressMs === undefined ? {} : { progressMs: running.progressMs }),
            cancelling: running.cancelling,
            ...(running.cancelledMs === undefined ? {} : { cancelledMs: running.cancelledMs }),
            last,
          },
    start(job, cause) {
      if (running !== null) throw new Error(`job ${running.job.kind} is still running`);
      running = { job, sinceMs: deps.clock.now(), abort: new AbortController(), progress: null, cancelling: false };
      work = run(running, cause);
    },
    cancel() {
      if (running === null) return;
      running.cancelling = true;
      running.cancelledMs ??= deps.clock.now();
      running.abort.abort();
    },
    idle: () => work,
  };
}

function divergenceFacts(divergence: JobResult['divergence']): readonly Fact[] {
  if (divergence === null) return [];
  if (divergence.kind === 'ahead') return aheadFacts(divergence);
  if (divergence.kind !== 'diverged') return [['divergence', divergence.kind]];
  const { kind, forkLsn, myLsn, forkUnknown, commits } = divergence;
  if (forkUnknown === true) return [['divergence', kind]];
  return [
    ['divergence', kind],
    ['forkLsn', lsnText(forkLsn)],
    ['beyondForkBytes', Number(myLsn > forkLsn ? myLsn - forkLsn : 0n)],
    ...(commits === undefined ? [] : [['beyondForkCommits', commits] as const]),
  ];
}

const aheadFacts = ({ myLsn, leaderLsn }: Extract<Divergence, { kind: 'ahead' }>): readonly Fact[] => [
  ['divergence', 'ahead'],
  ['myLsn', lsnText(myLsn)],
  ['leaderLsn', lsnText(leaderLsn)],
];

/** How work ended, as a value: a job's failure is something to decide about, not something to catch. */
async function attempt(work: () => Promise<JobResult>): Promise<JobResult> {
  try {
    return await work();
  } catch (error) {
    return {
      ended: 'failed',
      error: error instanceof Error ? error.message : String(error),
      divergence: null,
      stage: null,
    };
  }
}

/** One line for people: what, and from or to whom. */
export function brief(job: Job): string {
  switch (job.kind) {
    case 'clone':
      if (job.from === null) return 'clone without a member to copy from';
      return `clone from ${job.from.member}${job.over === undefined ? '' : ', over what is here'}`;
    case 'rewind':
    case 'copySlots':
    case 'checkDivergence':
      return `${job.kind} from ${job.from.member}`;
    case 'startStandby':
    case 'follow':
      return `${job.kind} ${job.upstream === null ? 'without upstream' : `of ${job.upstream.member}`}`;
    case 'stop':
      return `stop ${job.mode}: ${job.why}`;
    case 'restart':
      return `restart as ${job.as}`;
    case 'removeData':
      return `removeData: ${job.why}`;
    default:
      return job.kind;
  }
}
