import type { Holding } from '../model/history.ts';
import type { SqlTarget } from '../model/world.ts';
import { undefinedTable } from './hints.ts';
import type { Outside } from './seek.ts';
import { allHeld } from './statements.ts';

export type Holdings =
  | { readonly kind: 'holdings'; readonly holdings: readonly Holding[] }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * What this server holds, key by key in the order of appending: ask the surviving primary, after all writers stopped. A key
 * of `keys` that it does not know is an empty holding: everything of it was lost.
 */
export async function readHoldings(
  { sql }: Pick<Outside, 'sql'>,
  target: SqlTarget,
  keys: readonly string[],
  limitMs = 60_000,
): Promise<Holdings> {
  const connected = await sql.connect(target, 5000);
  if (connected.kind !== 'connected')
    return { kind: 'failed', why: connected.kind === 'rejected' ? connected.message : connected.why };
  const result = await connected.session.query(allHeld, limitMs);
  connected.session.close();
  if (result.kind === 'lost') return { kind: 'failed', why: result.why };
  if (result.kind === 'error' && result.sqlState !== undefinedTable) return { kind: 'failed', why: result.message };
  const rows = result.kind === 'rows' ? result.rows : [];
  const node = rows[0]?.host ?? target.host;
  const held = new Map(rows.map((row) => [row.key, (row.values ?? '').split(',').map(Number)]));
  return {
    kind: 'holdings',
    holdings: keys.map((key) => ({ kind: 'holding', node, key, values: held.get(key) ?? [] })),
  };
}
