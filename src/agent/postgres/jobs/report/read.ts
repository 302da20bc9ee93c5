import type { WalStretch } from '../../../../codec/postgres/fork.ts';
import { makeWalTally, tallyLine, type WalTally } from '../../../../codec/postgres/walRecords.ts';
import { lsnOf, lsnText } from '../../../../model/units.ts';
import { type JobContext, type PostgresParts, toolEnv } from '../../parts.ts';

/** A repair does not wait long for its report: what is more than this is kept, and can be read later. */
const bytesMax = 64n * 1024n * 1024n;
const limitMs = 15_000;
const stretchesMax = 4;

export interface ReadWal {
  readonly tally: WalTally;
  /** Why there may be more than was read; null: it was read to its end. */
  readonly cutShort: string | null;
}

/** What happened in this WAL, as pg_waldump tells it. */
export async function readWal(
  parts: PostgresParts,
  { signal }: Pick<JobContext, 'signal'>,
  stretches: readonly WalStretch[],
): Promise<ReadWal> {
  const tally = makeWalTally();
  const endMs = parts.world.clock.now() + limitMs;
  for (const stretch of stretches.slice(0, stretchesMax)) {
    const cutShort = await readStretch(parts, signal, stretch, tally, endMs - parts.world.clock.now());
    if (cutShort !== null) return { tally, cutShort };
  }
  const more = stretches.length > stretchesMax;
  return { tally, cutShort: more ? `only the first ${stretchesMax} of ${stretches.length} timelines were read` : null };
}

async function readStretch(
  parts: PostgresParts,
  signal: AbortSignal,
  { timeline, from, to }: WalStretch,
  tally: WalTally,
  leftMs: number,
): Promise<string | null> {
  const places = parts.places();
  const bound = lsnOf(from + bytesMax);
  const isBound = to === null || to > bound;
  const args = [
    ...['--path', `${places.dataDir}/pg_wal`, '--timeline', String(timeline), '--start', lsnText(from)],
    ...['--end', lsnText(isBound ? bound : to)],
  ];
  const onLine = (line: string): void => tallyLine(tally, line);
  const command = { program: places.program('pg_waldump'), args, env: toolEnv(places), onLine };
  const finished = await parts.world.processes.run(command, Math.max(1, leftMs), signal);
  switch (finished.kind) {
    case 'failed':
      return `pg_waldump: ${finished.why}`;
    case 'killed':
      return `pg_waldump ended by ${finished.signal}`;
    case 'cancelled':
      return `it was not read to its end within ${limitMs / 1_000} s`;
    case 'exited':
      if (finished.code === 0) return isBound ? `only the first ${bytesMax / 1_048_576n} MB of it were read` : null;
      return missing(finished.stderr);
    default:
      return finished satisfies never;
  }
}

/** That it meets the end of the WAL is told as an error, and is none. */
const missing = (stderr: string): string | null =>
  /could not (?:find|open|locate)[^\n]*(?:file|segment|WAL)[^\n]*/.exec(stderr)?.[0] ?? null;
