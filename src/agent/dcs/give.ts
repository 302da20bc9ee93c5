import type { Keys } from '../../codec/dcs/keys.ts';
import type { HeldLease } from '../../model/cluster.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import { type LeaseId, later, type Revision, revision } from '../../model/units.ts';
import type { Clock, EtcdOp } from '../../model/world.ts';
import type { EtcdClient } from './client.ts';
import { type GuardedWrite, type KeysNow, writeGuarded } from './guarded.ts';
import { isMineStill } from './lease.ts';

/**
 * The transactions by which the leader key, mine, is written again or given away. Each compares the revision of the key as well: one
 * that was lost sight of fails when it arrives after the next.
 */

/** Where it is, or on another lease of mine. */
export const putKey = (
  keys: Keys,
  name: string,
  { mine, at, lease }: { readonly mine: HeldLease; readonly at: Revision; readonly lease: LeaseId },
): GuardedWrite => ({
  compare: [...isMineStill(keys, name, mine), { target: 'mod', key: keys.leader, equals: at }],
  write: [{ op: 'put', key: keys.leader, value: name, lease }],
  shown: [keys.leader],
  isDone: (now: KeysNow) => {
    const found = now.get(keys.leader);
    return found?.lease === lease && found.value === name && found.modRevision !== at;
  },
  refusal: 'the leader key is not what it was',
});

/** The final status written, the key deleted. */
function giveKey(
  keys: Keys,
  name: string,
  { mine, at, finalStatus }: { readonly mine: HeldLease; readonly at: Revision; readonly finalStatus: string | null },
): GuardedWrite {
  const status: EtcdOp[] = finalStatus === null ? [] : [{ op: 'put', key: keys.status, value: finalStatus }];
  return {
    compare: [...isMineStill(keys, name, mine), { target: 'mod', key: keys.leader, equals: at }],
    // Whoever gives the key away has stopped its server.
    write: [...status, { op: 'delete', key: keys.leader }, { op: 'delete', key: keys.unfenced }],
    shown: [keys.leader, keys.status],
    isDone: (now) =>
      now.get(keys.leader)?.createRevision !== revision(mine.term) &&
      (finalStatus === null || now.get(keys.status)?.value === finalStatus),
    refusal: notMine,
  };
}

const notMine = 'the leader key is not mine';

/** How an attempt to give the key away ended, and what became of the key: null, it is as it was, or that is not known. */
export interface Given {
  readonly outcome: DcsOutcome<null>;
  readonly key: 'given' | 'not mine' | 'in doubt' | null;
}

/** As it was last seen, or, where that is not known, as a read shows it now. */
export async function giveAway(
  { client, keys, name, clock }: { client: EtcdClient; keys: Keys; name: string; clock: Clock },
  { mine, at, finalStatus }: { mine: HeldLease; at: Revision | null; finalStatus: string | null },
  budgetMs: number,
): Promise<Given> {
  const endMs = later(clock.now(), budgetMs);
  const shown = at ?? (await revisionOfMine());
  if (typeof shown === 'object') return shown;
  const given = giveKey(keys, name, { mine, at: shown, finalStatus });
  const outcome = await writeGuarded(client, given, Math.max(0, endMs - clock.now()));
  if (outcome.kind === 'done') return { outcome: { ...outcome, value: null }, key: 'given' };
  if (outcome.kind === 'unreachable') return { outcome, key: null };
  // What etcd refuses by itself, as for want of a right, says nothing of a try before that was lost sight of.
  if (outcome.kind === 'unknown' || outcome.why !== notMine) return { outcome, key: 'in doubt' };
  // Or it was only written again meanwhile: then the next look asks anew.
  const now = await revisionOfMine();
  if (typeof now === 'object') return now;
  return { outcome: { kind: 'refused', why: 'the leader key was written again meanwhile' }, key: null };

  async function revisionOfMine(): Promise<Revision | Given> {
    const left = Math.max(0, endMs - clock.now());
    const asked = await client.request('range', { key: keys.leader }, { budgetMs: left });
    if (asked.kind === 'refused') return { outcome: { kind: 'refused', why: asked.why }, key: null };
    if (asked.kind !== 'done') return { outcome: { kind: 'unreachable', why: asked.why }, key: null };
    const [key] = asked.answer.kvs;
    const isMine = key?.value === name && key.lease === mine.lease && key.createRevision === revision(mine.term);
    return isMine ? key.modRevision : { outcome: { kind: 'refused', why: notMine }, key: 'not mine' };
  }
}
