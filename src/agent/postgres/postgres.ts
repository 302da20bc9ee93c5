import { historyFileName, readHistoryFile } from '../../codec/postgres/historyFile.ts';
import type { LogicalKind } from '../../model/decision.ts';
import type { Health } from '../../model/health.ts';
import type { Job } from '../../model/job.ts';
import type { ControlOutcome } from '../../model/outcome.ts';
import type { LocalPostgres, TimelineEnd } from '../../model/postgres.ts';
import { type InstantMs, type Lsn, later, lsnText, type Timeline } from '../../model/units.ts';
import type { FileRead, Statement } from '../../model/world.ts';
import { makeAdvancer } from './advance.ts';
import { makeControlReader } from './control.ts';
import { makePatientDisk } from './disk.ts';
import { halt } from './halt.ts';
import { makeHealthWatch } from './healthWatch.ts';
import { makeLooker } from './look.ts';
import { cancelled, type JobContext, type JobResult, type PostgresParts, partsOf } from './parts.ts';
import { perform } from './perform.ts';
import { findPostmaster, orphansOf } from './postmaster.ts';
import { makeRejected } from './rejected.ts';
import { reload } from './reload.ts';
import { ownTarget, runLast, runOnce, whyNot } from './sessions.ts';
import { advanceSlot, createLogicalSlot, createSlot, dropSlot, resumeReplay, touchWal } from './statements.ts';

export type { SentinelPrefix } from './parts.ts';

export interface Postgres {
  look(): Promise<LocalPostgres>;
  /** Of the server that the last look of the loop showed. */
  health(): Health | null;
  perform(job: Job, context: JobContext): Promise<JobResult>;
  /**
   * Rewrites the files for the role it runs in and reloads when anything changed, or `always`. `synchronousNames`: whom a
   * primary's commits wait for, in synchronous mode.
   */
  applyConfiguration(
    always: boolean,
    synchronousNames?: string,
  ): Promise<ControlOutcome & { readonly changed?: boolean }>;
  /** A commit of nothing, so that there is something for the standbys to confirm. */
  touchWal(): Promise<ControlOutcome>;
  createSlot(name: string, logical?: LogicalKind): Promise<ControlOutcome>;
  dropSlot(name: string, why: string): Promise<ControlOutcome>;
  /** With a database, of a logical slot: it is begun, and goes on beside the loop. */
  advanceSlot(name: string, to: Lsn, database?: string): Promise<ControlOutcome>;
  resumeReplay(): Promise<ControlOutcome>;
  /** Where each earlier timeline ended, from my .history file. Empty when there is none. */
  localHistory(timeline: Timeline): Promise<readonly TimelineEnd[]>;
  /** The dead-man switch: immediate stop now, kill half a second later, outside all jobs. */
  strike(tell: (stage: string) => void): Promise<void>;
  /** A promotion that an agent before this one signalled, and that the server has not heard of yet, is called off. */
  forgetPromotion(): Promise<void>;
  close(): Promise<void>;
}

const slotLimitMs = 1_000;
const strikeKillMs = 300;
/** How long the loop waits for the disk: its renewals must not wait longer. */
const diskLimitMs = 1_000;

export function makePostgres(
  world: PostgresParts['world'],
  deps: Pick<PostgresParts, 'settings' | 'note' | 'sentinel' | 'step' | 'sentinelGraceMs' | 'reports'> & {
    readonly wake: (reason: string) => void;
  },
): Postgres {
  const outliving = new Set<Promise<unknown>>();
  const rejected = makeRejected(deps.settings, deps.note);
  const parts: PostgresParts = partsOf({
    ...deps,
    world,
    settings: () => rejected.without(deps.settings()),
    rejected,
    expectStop: () => looker.expectStop(),
    tell: (postmaster) => looker.tell(postmaster),
    readControl: () => control.read(),
    strike,
    outlives: (work) => void outliving.add(work),
  });
  const advancer = makeAdvancer(parts);
  const disk = makePatientDisk(world, { limitMs: diskLimitMs, answersAgain: () => deps.wake('disk') });
  /** What the loop itself does, and what guards it: never held up by the disk. */
  const prompt: PostgresParts = { ...parts, world: { ...world, files: { ...disk.files, read: readOrRemember } } };
  const control = makeControlReader(prompt, disk);
  let last: LocalPostgres | null = null;
  let pidFile: FileRead | null = null;
  /** Since when what was read last is no longer there. */
  let pidFileGoneMs: InstantMs | null = null;
  const looker = makeLooker(prompt, disk, control, { wake: deps.wake, homelessSinceMs: () => pidFileGoneMs });

  /**
   * Which process is the postmaster must be known as long as it lives: it may have to be stopped while the disk hangs, or
   * after its data directory was taken away. Whether it lives is asked of the process table, by whoever reads this.
   */
  async function readOrRemember(path: string, fromByte?: number): Promise<FileRead> {
    const found = await disk.files.read(path, fromByte);
    if (path !== parts.places().pidFile) return found;
    if (found.kind === 'text') pidFile = found;
    pidFileGoneMs = found.kind === 'text' || disk.hungSinceMs() !== null ? null : (pidFileGoneMs ?? world.clock.now());
    return pidFile ?? found;
  }

  const healthWatch = makeHealthWatch(prompt, deps.wake);
  let health: Health | null = null;

  function strike(): Promise<JobResult> {
    const killAtMs = later(world.clock.now(), strikeKillMs);
    return halt(prompt, { signal: new AbortController().signal }, 'immediate', { immediateAtMs: null, killAtMs });
  }
  let striking: Promise<void> | null = null;
  async function strikeAll(tell: (stage: string) => void): Promise<void> {
    const postmaster = await findPostmaster(prompt.world, parts.places());
    // With a hung disk the process table alone tells what runs on the data directory.
    if (postmaster === null && orphansOf(world, parts.places()).length === 0) return;
    const result = await strike();
    tell(result.ended === 'done' ? `PostgreSQL is stopped (${result.stage})` : (result.error ?? result.ended));
  }
  async function look(): Promise<LocalPostgres> {
    last = await looker.look();
    return last;
  }
  async function ask(statement: Statement, database?: string): Promise<ControlOutcome> {
    const own = ownTarget(parts.settings(), 'Patroni slots');
    const target = database === undefined ? own : { ...own, database };
    const result = await runOnce(world.sql, target, [statement], slotLimitMs);
    return result.kind === 'rows' ? { kind: 'done' } : { kind: 'failed', why: whyNot(result) };
  }

  return {
    async look() {
      const seen = await look();
      health = healthWatch.look(seen);
      return seen;
    },
    health: () => health,
    async perform(job, context) {
      if (job.kind === 'stop') return perform(prompt, job, context, look); // it must come in time, disk or not
      await disk.settled();
      await Promise.allSettled(outliving);
      outliving.clear();
      if (context.signal.aborted) return cancelled;
      try {
        return await perform(parts, job, context, look);
      } finally {
        parts.reports.jobIsOver();
      }
    },
    async applyConfiguration(always, synchronousNames = '') {
      const seen = last;
      if (seen?.kind !== 'running') return { kind: 'failed', why: 'PostgreSQL does not run' };
      try {
        // A session may show what was before the last change.
        const shown = seen.role === 'standby' && seen.upstream !== null ? { member: '', ...seen.upstream } : null;
        const upstream = parts.written.upstream === undefined ? shown : parts.written.upstream;
        const changed = await reload(
          prompt,
          seen.pid,
          seen.role === 'primary' ? { role: 'primary', synchronousNames } : { role: 'standby', upstream },
          seen.control,
          always,
        );
        return { kind: 'done', changed };
      } catch (error) {
        return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
      }
    },
    async createSlot(name, logical) {
      if (logical === undefined) return ask(createSlot(name));
      const { database, plugin, failover } = logical;
      const outcome = await ask(createLogicalSlot(name, plugin, failover), database);
      if (outcome.kind === 'done')
        deps.note('info', `logical slot ${name} is made: its consumer gets what comes from now on`);
      return outcome;
    },
    async dropSlot(name, why) {
      const outcome = await ask(dropSlot(name));
      if (outcome.kind === 'done') deps.note('warning', `slot ${name} is dropped: ${why}`);
      return outcome;
    },
    async advanceSlot(name, to, database) {
      if (database === undefined) return ask(advanceSlot(name, lsnText(to)));
      advancer.advance(name, database, to);
      return { kind: 'done' };
    },
    // A standby that paused over a setting ends by it.
    resumeReplay: () => runLast(world, ownTarget(parts.settings(), 'Patroni slots'), resumeReplay, slotLimitMs),
    touchWal: () => ask(touchWal),
    async localHistory(timeline) {
      const file = await disk.files.read(`${parts.places().dataDir}/pg_wal/${historyFileName(timeline)}`);
      return file.kind === 'text' ? readHistoryFile(file.text) : [];
    },
    strike(tell) {
      striking ??= strikeAll(tell).finally(() => {
        striking = null;
      });
      return striking;
    },
    async forgetPromotion() {
      const { promoteFile } = parts.places();
      if ((await disk.files.stat(promoteFile)).kind !== 'file') return;
      const removed = await disk.files.forget(promoteFile);
      deps.note('warning', 'a promotion that an agent before this one signalled was not heard yet: it is called off', [
        ['file', promoteFile],
        ['outcome', removed.kind === 'failed' ? removed.why : 'removed'],
      ]);
    },
    async close() {
      healthWatch.close();
      looker.close();
    },
  };
}
