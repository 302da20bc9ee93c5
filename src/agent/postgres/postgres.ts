import { historyFileName, readHistoryFile } from '../../codec/postgres/historyFile.ts';
import type { Job } from '../../model/job.ts';
import type { ControlOutcome } from '../../model/outcome.ts';
import type { LocalPostgres, TimelineEnd } from '../../model/postgres.ts';
import { type Lsn, later, lsnText, type Timeline } from '../../model/units.ts';
import type { Statement } from '../../model/world.ts';
import { configure } from './configure.ts';
import { halt } from './halt.ts';
import { makeLooker } from './look.ts';
import { type JobContext, type JobResult, type PostgresParts, partsOf } from './parts.ts';
import { perform } from './perform.ts';
import { findPostmaster } from './postmaster.ts';
import { ownTarget, runOnce, whyNot } from './sessions.ts';
import { advanceSlot, createSlot, dropSlot, fileMistakes } from './statements.ts';

export type { SentinelPrefix } from './parts.ts';

export interface Postgres {
  look(): Promise<LocalPostgres>;
  perform(job: Job, context: JobContext): Promise<JobResult>;
  /** Rewrites the files for the role it runs in and reloads when anything changed. */
  applyConfiguration(): Promise<ControlOutcome & { readonly changed?: boolean }>;
  createSlot(name: string): Promise<ControlOutcome>;
  dropSlot(name: string): Promise<ControlOutcome>;
  advanceSlot(name: string, to: Lsn): Promise<ControlOutcome>;
  /** Where each earlier timeline ended, from my .history file. Empty when there is none. */
  localHistory(timeline: Timeline): Promise<readonly TimelineEnd[]>;
  /** The dead-man switch: immediate stop now, kill half a second later, outside all jobs. */
  strike(tell: (stage: string) => void): Promise<void>;
  close(): Promise<void>;
}

const slotLimitMs = 1_000;
const strikeKillMs = 300;

export function makePostgres(
  world: PostgresParts['world'],
  deps: Pick<PostgresParts, 'settings' | 'note' | 'sentinel' | 'step' | 'sentinelGraceMs'> & {
    readonly wake: (reason: string) => void;
  },
): Postgres {
  const parts: PostgresParts = partsOf({ ...deps, world, expectStop: () => looker.expectStop() });
  const looker = makeLooker(parts, deps.wake);
  let last: LocalPostgres | null = null;

  async function look(): Promise<LocalPostgres> {
    last = await looker.look();
    return last;
  }
  async function ask(statement: Statement): Promise<ControlOutcome> {
    const result = await runOnce(world.sql, ownTarget(parts.settings(), 'Patroni slots'), [statement], slotLimitMs);
    return result.kind === 'rows' ? { kind: 'done' } : { kind: 'failed', why: whyNot(result) };
  }

  /** The server ignores what it cannot take, and says so in its own log only; at the next start it would refuse. */
  async function tellMistakes(): Promise<void> {
    const result = await runOnce(world.sql, ownTarget(parts.settings(), 'Patroni'), [fileMistakes], slotLimitMs);
    for (const row of result.kind === 'rows' ? result.rows : [])
      parts.note('error', `${row.file}: ${row.name ?? 'a line'} is not taken: ${row.error}`, [
        ['line', row.line ?? null],
      ]);
  }

  return {
    look,
    perform: (job, context) => perform(parts, job, context, look),
    async applyConfiguration() {
      const seen = last;
      if (seen?.kind !== 'running') return { kind: 'failed', why: 'PostgreSQL does not run' };
      try {
        const upstream = seen.role === 'standby' && seen.upstream !== null ? { member: '', ...seen.upstream } : null;
        const changed = await configure(
          parts,
          seen.role === 'primary' ? { role: 'primary' } : { role: 'standby', upstream },
          seen.control,
        );
        if (changed) {
          await tellMistakes();
          world.processes.signal(seen.pid, 'HUP');
        }
        return { kind: 'done', changed };
      } catch (error) {
        return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
      }
    },
    createSlot: (name) => ask(createSlot(name)),
    dropSlot: (name) => ask(dropSlot(name)),
    advanceSlot: (name, to) => ask(advanceSlot(name, lsnText(to))),
    async localHistory(timeline) {
      const file = await world.files.read(`${parts.places().dataDir}/pg_wal/${historyFileName(timeline)}`);
      return file.kind === 'text' ? readHistoryFile(file.text) : [];
    },
    async strike(tell) {
      const postmaster = await findPostmaster(world, parts.places());
      if (postmaster === null) return;
      const result = await halt(parts, { signal: new AbortController().signal }, 'immediate', {
        immediateAtMs: null,
        killAtMs: later(world.clock.now(), strikeKillMs),
      });
      tell(result.ended === 'done' ? `PostgreSQL is stopped (${result.stage})` : (result.error ?? result.ended));
    },
    async close() {
      looker.close();
    },
  };
}
