import type { DcsOutcome } from '../../model/outcome.ts';
import type { EtcdCompare, EtcdKeyValue, EtcdOp } from '../../model/world.ts';
import type { Asked, EtcdClient } from './client.ts';

export interface GuardedWrite {
  readonly compare: readonly EtcdCompare[];
  readonly write: readonly EtcdOp[];
  /** The keys that show whether it happened, read in the same transaction when a comparison fails. */
  readonly shown: readonly string[];
  /** True when what the keys hold now can only be this write's doing. */
  isDone(now: KeysNow): boolean;
  readonly refusal: string;
}

export type KeysNow = ReadonlyMap<string, EtcdKeyValue>;

/** At the end of a budget this much is added to find out what became of a write. */
const readBackMs = 500;

/**
 * A write that compares first. A try whose answer was lost may have been applied, so a later try can meet its own first
 * write: a failed comparison after such doubt is judged by what the keys hold, and an outcome that stays unknown is
 * read back, linearizably, before it is reported.
 */
export async function writeGuarded(
  client: EtcdClient,
  guarded: GuardedWrite,
  budgetMs: number,
): Promise<DcsOutcome<KeysNow>> {
  const ranges = guarded.shown.map((key): EtcdOp => ({ op: 'range', key }));
  // The ranges do more than tell: etcd answers a transaction without any operation from the member's own, perhaps
  // stale state; a range that is not serializable makes it ask the quorum.
  const ask = { compare: guarded.compare, success: [...guarded.write, ...ranges], failure: ranges };
  const asked = await client.request('txn', ask, { budgetMs });
  if (asked.kind === 'refused') return { kind: 'refused', why: asked.why };
  if (asked.kind === 'unreachable') return asked;
  if (asked.kind === 'done') {
    const now = keysNow(asked.answer.ranges);
    const { revision } = asked.header;
    if (asked.answer.succeeded || (asked.doubt && guarded.isDone(now)))
      return { kind: 'done', value: now, revision, sentMs: asked.sentMs };
    return { kind: 'refused', why: guarded.refusal };
  }
  return readBack(client, guarded, ranges, asked);
}

async function readBack(
  client: EtcdClient,
  guarded: GuardedWrite,
  ranges: readonly EtcdOp[],
  unknown: Extract<Asked<'txn'>, { kind: 'unknown' }>,
): Promise<DcsOutcome<KeysNow>> {
  if (ranges.length === 0) return unknown;
  const asked = await client.request('txn', { compare: [], success: ranges, failure: [] }, { budgetMs: readBackMs });
  if (asked.kind !== 'done') return unknown;
  const now = keysNow(asked.answer.ranges);
  // Not there yet is no proof that it will not come.
  if (!guarded.isDone(now)) return unknown;
  return { kind: 'done', value: now, revision: asked.header.revision, sentMs: asked.sentMs };
}

const keysNow = (ranges: readonly (readonly EtcdKeyValue[])[]): KeysNow =>
  new Map(ranges.flat().map((kv) => [kv.key, kv]));
