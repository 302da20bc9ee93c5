import type { Load } from '../../model/rehearsal.ts';
import type { Settings } from '../../model/settings.ts';
import type { SqlRow, World } from '../../model/world.ts';
import { ownTarget, runOnce } from './sessions.ts';
import { load } from './statements.ts';

const limitMs = 700;
/** Whoever asks again and again is told the same for so long: it is the server that would pay. */
const keptMs = 1_000;

/** Asks the own server, a primary, what hangs on it: only when somebody wants to know, never as part of a look. */
export function makeLoad(
  { sql, clock }: Pick<World, 'sql' | 'clock'>,
  settings: () => Settings,
  isPrimary: () => boolean,
): () => Promise<Load | null> {
  let last: { readonly atMs: number; readonly asked: Promise<Load | null> } | null = null;

  async function ask(): Promise<Load | null> {
    const result = await runOnce(sql, ownTarget(settings(), 'Patroni rehearsal'), [load], limitMs);
    const [row] = result.kind === 'rows' ? result.rows : [];
    return row === undefined ? null : loadIn(row);
  }

  return async () => {
    if (!isPrimary()) return null;
    const nowMs = clock.now();
    if (last === null || nowMs - last.atMs >= keptMs) last = { atMs: nowMs, asked: ask() };
    return last.asked;
  };
}

function loadIn(row: SqlRow): Load {
  return {
    clients: Number(row.clients ?? 0),
    inTransaction: Number(row.in_transaction ?? 0),
    sinceCheckpoint: { transactions: Number(row.transactions ?? 0), walBytes: Number(row.wal_bytes ?? 0) },
  };
}
