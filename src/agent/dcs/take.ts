import type { Keys } from '../../codec/dcs/keys.ts';
import { type LeaseId, revision, type Term, type Timeline } from '../../model/units.ts';
import type { EtcdOp } from '../../model/world.ts';
import type { KeysNow } from './guarded.ts';
import { absent, type ReadAt } from './lease.ts';

/** The transactions by which the leader key becomes mine. */

/** Nobody has it, and nothing by which that was judged has changed since it was read. */
export const takeKey = (
  keys: Keys,
  name: string,
  {
    seen,
    lease,
    announce,
    keepsSync,
  }: {
    readonly seen: ReadAt;
    readonly lease: LeaseId;
    readonly announce: Timeline | null;
    readonly keepsSync: boolean;
  },
) => ({
  compare: [
    { target: 'create', key: keys.leader, equals: absent },
    { target: 'createNot', key: keys.member(name), equals: absent },
    { target: 'mod', key: keys.status, equals: seen.status },
    { target: 'mod', key: keys.timeline, equals: seen.timeline },
    { target: 'mod', key: keys.sync, equals: seen.sync },
    { target: 'mod', key: keys.failsafe, equals: seen.failsafe },
    { target: 'mod', key: keys.config, equals: seen.config },
  ] as const,
  write: [
    { op: 'put' as const, key: keys.leader, value: name, lease },
    ...(announce === null ? [] : [{ op: 'put' as const, key: keys.timeline, value: String(announce) }]),
    ...ofSync(keys, seen, keepsSync),
  ],
  shown: [keys.leader],
  isDone: (now: KeysNow) => now.get(keys.leader)?.lease === lease,
  refusal: 'there is a leader key, or my member key is missing, or another reign came between',
});

/**
 * As it is, and with a new revision: whoever counted votes before this reign does not take the key after it. With the mode off
 * it goes: what it promised is over with the first commit that nobody waits for, and the mode may be on again before this
 * leader comes to delete it.
 */
function ofSync(keys: Keys, { syncText }: ReadAt, keepsSync: boolean): readonly EtcdOp[] {
  if (syncText === null) return [];
  return keepsSync ? [{ op: 'put', key: keys.sync, value: syncText }] : [{ op: 'delete', key: keys.sync }];
}

/** It bears my name, as a Patroni that ran here left it, and still is what was seen: to a lease of mine. */
export const moveKey = (
  keys: Keys,
  name: string,
  { of, from, to }: { readonly of: Term; readonly from: LeaseId; readonly to: LeaseId },
) => ({
  compare: [
    { target: 'value', key: keys.leader, equals: name },
    { target: 'create', key: keys.leader, equals: revision(of) },
    { target: 'lease', key: keys.leader, equals: from },
  ] as const,
  write: [{ op: 'put', key: keys.leader, value: name, lease: to }] as const,
  shown: [keys.leader],
  isDone: (now: KeysNow) => now.get(keys.leader)?.lease === to,
  refusal: 'the leader key is not what it was',
});
