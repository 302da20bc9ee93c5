import type { Decision, Fact } from '../../model/decision.ts';
import type { FinishedJob, Premise } from '../../model/job.ts';
import type { ControlData, Upstream } from '../../model/postgres.ts';
import type { Settings } from '../../model/settings.ts';
import type { Timeline } from '../../model/units.ts';
import type { ProcessInfo, World } from '../../model/world.ts';
import type { Reports } from '../reports/store.ts';
import type { HbaState } from './hba.ts';
import { type Places, placesOf } from './places.ts';
import type { Rejected } from './rejected.ts';

export interface SentinelPrefix {
  readonly program: string;
  readonly script: string;
}

/** What every step of a job works with. */
export interface PostgresParts {
  readonly world: World;
  readonly settings: () => Settings;
  readonly places: () => Places;
  readonly rejected: Pick<Rejected, 'reject' | 'restore'>;
  /** What the control file says; a text: why it cannot be told. */
  readonly readControl: () => Promise<ControlData | string>;
  /** What this agent put into the server's files last: the server may not have read it yet. Null: nothing that is known. */
  readonly written: {
    synchronousNames: string | null;
    /** Of a standby: from whom to receive, null: from nobody. Undefined: nothing that is known. */
    upstream: Upstream | null | undefined;
  };
  readonly hba: HbaState;
  readonly reports: Pick<Reports, 'known' | 'save' | 'folderOf' | 'begin' | 'jobIsOver' | 'giveWay' | 'removeWal'>;
  readonly sentinel: SentinelPrefix | null;
  readonly sentinelGraceMs: () => number;
  readonly note: (level: 'info' | 'warning' | 'error', text: string, because?: readonly Fact[]) => void;
  readonly step: (job: string, step: string, because: readonly Fact[]) => void;
  /** We are about to stop it ourselves: its end is no crash. */
  readonly expectStop: () => void;
  /** This postmaster is about to be told to become the primary: in doubt it is one from now on. */
  readonly tell: (postmaster: Pick<ProcessInfo, 'pid' | 'startTicks'>) => void;
  /** Stops the server now, disk or not: immediate, and soon kill. */
  readonly strike: () => Promise<JobResult>;
  /** What a cancelled job still waits for, and cannot call back: no job but a stop begins before it is over. */
  readonly outlives: (work: Promise<unknown>) => void;
}

export interface JobContext {
  readonly signal: AbortSignal;
  /** Null: it holds; else why not. */
  readonly premise: (premise: Premise) => Promise<string | null>;
  readonly progress: (text: string) => void;
  /** Tells the cluster which timeline is about to begin, while the term of the premise is mine. Null: it is told; else why not. */
  readonly announceTimeline: (id: Timeline, premise: Premise) => Promise<string | null>;
  /** The decision that began the job. */
  readonly cause: Pick<Decision, 'rule' | 'because'>;
}

export type JobResult = Pick<FinishedJob, 'ended' | 'error' | 'divergence' | 'stage' | 'untold' | 'method' | 'behind'>;

export const succeeded: JobResult = { ended: 'done', error: null, divergence: null, stage: null };
export const failed = (error: string): JobResult => ({ ended: 'failed', error, divergence: null, stage: null });
/** Settles when the job is cancelled; what it then still waits for changes nothing. */
export const aborted = ({ signal }: Pick<JobContext, 'signal'>): Promise<null> =>
  signal.aborted
    ? Promise.resolve(null)
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));

export const cancelled: JobResult = { ended: 'cancelled', error: null, divergence: null, stage: null };

export const partsOf = (parts: Omit<PostgresParts, 'places' | 'written' | 'hba'>): PostgresParts => ({
  ...parts,
  written: { synchronousNames: null, upstream: undefined },
  hba: { before: null, refused: null },
  places: () => placesOf(parts.settings().local),
});

/** PostgreSQL's tools speak plainly, and find what is secret where libpq looks. */
export const toolEnv = (places: Places): Readonly<Record<string, string>> => ({
  LC_ALL: 'C',
  LANG: 'C',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  PGPASSFILE: places.pgpass,
  PGSERVICEFILE: places.serviceFile,
  PGOPTIONS: '-c statement_timeout=0',
});
