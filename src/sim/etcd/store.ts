import { type LeaseId, type Revision, revision } from '../../model/units.ts';
import type { EtcdCompare, EtcdEvent, EtcdKeyValue, EtcdOp } from '../../model/world.ts';

/** etcd's state machine: keys with revisions, and which lease each hangs on. Applied in the order of the log. */
export interface Store {
  revision(): Revision;
  range(key: string, rangeEnd?: string, at?: Revision): RangeAnswer;
  txn(
    compare: readonly EtcdCompare[],
    success: readonly EtcdOp[],
    failure: readonly EtcdOp[],
    leaseLives: (lease: LeaseId) => boolean,
  ): TxnAnswer;
  /** Deletes every key of a lease, in one revision. */
  deleteOfLease(lease: LeaseId): void;
  /** What happened from one revision to another, both included. */
  events(from: Revision, to: Revision): readonly EtcdEvent[];
  compact(before: Revision): void;
  compacted(): Revision;
}

export type RangeAnswer =
  | { readonly kind: 'kvs'; readonly kvs: readonly EtcdKeyValue[] }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };
export type TxnAnswer =
  | { readonly kind: 'done'; readonly succeeded: boolean; readonly ranges: readonly (readonly EtcdKeyValue[])[] }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

export function makeStore(): Store {
  const keys = new Map<string, EtcdKeyValue>();
  /** One entry a revision, the first being revision 2: what changed, and what was there before. */
  const log: {
    readonly events: readonly EtcdEvent[];
    readonly before: readonly (readonly [string, EtcdKeyValue | null])[];
  }[] = [];
  let compacted = revision(0n);
  const current = (): Revision => revision(BigInt(log.length) + 1n);

  function select(from: ReadonlyMap<string, EtcdKeyValue>, key: string, rangeEnd?: string): EtcdKeyValue[] {
    if (rangeEnd === undefined || rangeEnd === '') {
      const one = from.get(key);
      return one === undefined ? [] : [one];
    }
    return [...from.values()].filter((kv) => inRange(kv.key, key, rangeEnd)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  function range(key: string, rangeEnd?: string, at?: Revision): RangeAnswer {
    if (at === undefined || at === 0n || at === current()) return { kind: 'kvs', kvs: select(keys, key, rangeEnd) };
    if (at > current()) return error(11, 'etcdserver: mvcc: required revision is a future revision');
    if (at < compacted) return error(11, 'etcdserver: mvcc: required revision has been compacted');
    const past = new Map(keys);
    for (let r = log.length; BigInt(r) + 1n > at; r--)
      for (const [name, kv] of [...(log[r - 1]?.before ?? [])].reverse())
        if (kv === null) past.delete(name);
        else past.set(name, kv);
    return { kind: 'kvs', kvs: select(past, key, rangeEnd) };
  }

  function holds(compare: EtcdCompare): boolean {
    const kv = keys.get(compare.key);
    switch (compare.target) {
      case 'create':
        return (kv?.createRevision ?? 0n) === compare.equals;
      case 'createNot':
        return (kv?.createRevision ?? 0n) !== compare.equals;
      case 'mod':
        return (kv?.modRevision ?? 0n) === compare.equals;
      case 'value': // a key that is absent equals no value, not even the empty one
        return kv !== undefined && kv.value === compare.equals;
      case 'lease':
        return (kv?.lease ?? 0n) === compare.equals;
      default:
        return compare satisfies never;
    }
  }

  function commit(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const at = revision(BigInt(log.length) + 2n);
    const before: (readonly [string, EtcdKeyValue | null])[] = [];
    const events: EtcdEvent[] = [];
    for (const { key, value, lease } of changes) {
      const old = keys.get(key);
      before.push([key, old ?? null]);
      if (value === null) keys.delete(key);
      else keys.set(key, { key, value, createRevision: old?.createRevision ?? at, modRevision: at, lease });
      events.push({ type: value === null ? 'delete' : 'put', key, value: value ?? '', modRevision: at });
    }
    log.push({ events, before });
  }

  return {
    revision: current,
    range,
    txn(compare, success, failure, leaseLives) {
      const succeeded = compare.every(holds);
      const ops = succeeded ? success : failure;
      const put = [...success, ...failure].filter((op) => op.op === 'put');
      for (const branch of [success, failure]) {
        const names = branch.flatMap((op) => (op.op === 'put' ? [op.key] : []));
        if (new Set(names).size < names.length) return error(3, 'etcdserver: duplicate key given in txn request');
      }
      for (const op of put)
        if (ops.includes(op) && op.lease !== undefined && op.lease !== 0n && !leaseLives(op.lease))
          return error(5, 'etcdserver: requested lease not found');
      const changes: Change[] = [];
      const ranges: (readonly EtcdKeyValue[])[] = [];
      for (const op of ops)
        if (op.op === 'put') changes.push({ key: op.key, value: op.value, lease: op.lease ?? null });
        else if (op.op === 'delete')
          for (const kv of select(keys, op.key, op.rangeEnd)) changes.push({ key: kv.key, value: null, lease: null });
        else ranges.push(select(overlay(keys, changes, current()), op.key, op.rangeEnd));
      commit(changes);
      return { kind: 'done', succeeded, ranges };
    },
    deleteOfLease: (lease) =>
      commit(
        [...keys.values()]
          .filter((kv) => kv.lease === lease)
          .sort((a, b) => (a.key < b.key ? -1 : 1))
          .map(({ key }) => ({ key, value: null, lease: null })),
      ),
    events(from, to) {
      const first = Math.max(Number(from) - 2, 0);
      return log.slice(first, Math.max(Number(to) - 1, 0)).flatMap((entry) => entry.events);
    },
    compact(before) {
      if (before > compacted) compacted = before;
    },
    compacted: () => compacted,
  };
}

interface Change {
  readonly key: string;
  readonly value: string | null;
  readonly lease: LeaseId | null;
}

/** A range inside a transaction sees what the operations before it wrote. */
function overlay(keys: ReadonlyMap<string, EtcdKeyValue>, changes: readonly Change[], now: Revision) {
  if (changes.length === 0) return keys;
  const at = revision(now + 1n);
  const seen = new Map(keys);
  for (const { key, value, lease } of changes)
    if (value === null) seen.delete(key);
    else seen.set(key, { key, value, createRevision: keys.get(key)?.createRevision ?? at, modRevision: at, lease });
  return seen;
}

const error = (code: number, message: string) => ({ kind: 'error', code, message }) as const;

/** `rangeEnd` "\0": every key from `key` on. */
export const inRange = (name: string, key: string, rangeEnd: string | undefined): boolean =>
  rangeEnd === undefined || rangeEnd === '' ? name === key : name >= key && (rangeEnd === '\0' || name < rangeEnd);
