import { noFailover } from '../../codec/dcs/failover.ts';
import type { Keys } from '../../codec/dcs/keys.ts';
import type { HeldLease } from '../../model/cluster.ts';
import type { ClaimSeen } from '../../model/decision.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import type { LeaseId, Revision, Term } from '../../model/units.ts';
import type { EtcdCompare, EtcdOp } from '../../model/world.ts';
import type { EtcdClient } from './client.ts';
import { type GuardedWrite, writeGuarded } from './guarded.ts';
import { absent, isMineStill } from './lease.ts';

export type LeaderWritten = 'status' | 'history' | 'config' | 'timeline' | 'unfenced';

/** The revision at which a key must still be: null, it must be absent; 'any', no matter. */
export type Seen = Revision | null | 'any';

/** Writes of single keys, each against what was seen of it. */
export function makeWrites(
  client: EtcdClient,
  options: { readonly keys: Keys; readonly name: string; held(): HeldLease | null; memberLease(): LeaseId | null },
) {
  const { keys, name } = options;

  async function write(
    key: string,
    text: string | null,
    seen: Seen,
    budgetMs: number,
    besides: readonly EtcdOp[] = [],
  ): Promise<DcsOutcome<null>> {
    const guarded = {
      compare: compareSeen(key, seen),
      write: [operation(key, text), ...besides],
      shown: [key],
      isDone: (now: ReadonlyMap<string, { readonly value: string }>) => (now.get(key)?.value ?? null) === text,
      refusal: seen === null ? `${key} exists` : `${key} has changed`,
    };
    return nothing(await writeGuarded(client, guarded, budgetMs));
  }

  return {
    /** Only while the leader key is still mine, of this reign. Null deletes. */
    async putAsLeader(
      key: LeaderWritten,
      text: string | null,
      term: Term,
      budgetMs: number,
    ): Promise<DcsOutcome<null>> {
      const held = options.held();
      if (held === null || held.term !== term) return { kind: 'refused', why: `term ${term} is not mine` };
      const guarded = {
        compare: isMineStill(keys, name, held),
        write: [operation(keys[key], text)],
        shown: [keys[key]],
        isDone: (now: ReadonlyMap<string, { readonly value: string }>) => (now.get(keys[key])?.value ?? null) === text,
        refusal: 'the leader key is not mine',
      };
      return nothing(await writeGuarded(client, guarded, budgetMs));
    },
    /**
     * The same, and only over what was seen of the key. That it holds this text is no proof, as it may have held it before:
     * the key must have been written since.
     */
    async putAsLeaderOver(
      key: 'sync' | 'failsafe',
      text: string | null,
      seen: Seen,
      term: Term,
      budgetMs: number,
    ): Promise<DcsOutcome<null>> {
      const held = options.held();
      if (held === null || held.term !== term) return { kind: 'refused', why: `term ${term} is not mine` };
      const guarded: GuardedWrite = {
        compare: [...isMineStill(keys, name, held), ...compareSeen(keys[key], seen)],
        write: [operation(keys[key], text)],
        shown: [keys[key]],
        isDone(now) {
          const found = now.get(keys[key]);
          return (found?.value ?? null) === text && (text === null || (seen !== 'any' && found?.modRevision !== seen));
        },
        refusal: `the leader key is not mine, or somebody else wrote to /${key}`,
      };
      return nothing(await writeGuarded(client, guarded, budgetMs));
    },
    /**
     * The empty `initialize` names nobody. A second key, which Patroni does not look at, says whose it is: so a claim
     * whose answer was lost is known again, and it goes with my member lease. A claim is taken over at the revisions
     * that were seen: of two that try, one succeeds.
     */
    async claimInitialize(over: ClaimSeen | null, budgetMs: number): Promise<DcsOutcome<null>> {
      const lease = options.memberLease();
      // Without a lease the claim would outlive whoever made it, and bar the cluster for ever.
      if (lease === null) return { kind: 'refused', why: 'my member key has no lease yet' };
      const owner = { op: 'put' as const, key: keys.initializing, value: name, lease };
      const guarded = {
        compare: [
          ...compareSeen(keys.initialize, over?.modRevision ?? null),
          ...(over === null ? [] : compareSeen(keys.initializing, over.ownerModRevision)),
        ],
        write: [{ op: 'put' as const, key: keys.initialize, value: '' }, owner],
        shown: [keys.initialize, keys.initializing],
        isDone: (now: ReadonlyMap<string, { readonly value: string; readonly modRevision: Revision }>) => {
          const claim = now.get(keys.initialize);
          const by = now.get(keys.initializing);
          return claim?.value === '' && by?.value === name && by.modRevision === claim.modRevision;
        },
        refusal: 'the cluster is being initialized, or was',
      };
      return nothing(await writeGuarded(client, guarded, budgetMs));
    },
    writeInitialize: (systemId: string, seen: Revision | null, budgetMs: number) =>
      write(keys.initialize, systemId, seen, budgetMs, [{ op: 'delete', key: keys.initializing }]),
    dropInitialize: (seen: Revision, budgetMs: number) =>
      write(keys.initialize, null, seen, budgetMs, [{ op: 'delete', key: keys.initializing }]),
    writeConfig: (text: string, seen: Revision | null, budgetMs: number) => write(keys.config, text, seen, budgetMs),
    clearFailover: (seen: Revision, budgetMs: number) => write(keys.failover, noFailover, seen, budgetMs),
    /** `key` as below the prefix (`config`) or whole. */
    put: (key: string, text: string, seen: Seen, budgetMs: number) => write(wholeKey(keys, key), text, seen, budgetMs),
    remove: (key: string, seen: Seen, budgetMs: number) => write(wholeKey(keys, key), null, seen, budgetMs),
  };
}

const operation = (key: string, text: string | null): EtcdOp =>
  text === null ? { op: 'delete', key } : { op: 'put', key, value: text };

const wholeKey = (keys: Keys, key: string): string => (key.startsWith(keys.prefix) ? key : `${keys.prefix}${key}`);

function compareSeen(key: string, seen: Seen): EtcdCompare[] {
  if (seen === 'any') return [];
  return seen === null ? [{ target: 'create', key, equals: absent }] : [{ target: 'mod', key, equals: seen }];
}

const nothing = (outcome: DcsOutcome<unknown>): DcsOutcome<null> =>
  outcome.kind === 'done' ? { ...outcome, value: null } : outcome;
