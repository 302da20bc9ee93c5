import { readCluster } from '../../codec/dcs/cluster.ts';
import { writeFailsafe } from '../../codec/dcs/failsafe.ts';
import { keysOf } from '../../codec/dcs/keys.ts';
import type { Cluster, DcsView, HeldLease, LeaderKey } from '../../model/cluster.ts';
import type { ClaimSeen, MemberRecord } from '../../model/decision.ts';
import type { FailsafeMap } from '../../model/failsafe.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import type { ClusterSettings, LocalSettings } from '../../model/settings.ts';
import { type InstantMs, instantMs, type Revision, revision, type Term, type Timeline } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import { type DcsWorld, makeEtcdClient, type Note } from './client.ts';
import { makeFailsafeMap } from './failsafeMap.ts';
import { makeGarbled } from './garbled.ts';
import { type Acquiring, makeLeadership } from './leadership.ts';
import { type Adopted, absent, makeRevoker, type ReadAt } from './lease.ts';
import { makeMemberLease } from './memberLease.ts';
import { makeSyncDoubt } from './syncDoubt.ts';
import { makeVacancies } from './vacancy.ts';
import { makeWakes } from './wakes.ts';
import { makeWatch } from './watch.ts';
import { type LeaderWritten, makeWrites, type Seen } from './writes.ts';

export type Dcs = ReturnType<typeof makeDcs>;

export interface DcsOptions {
  readonly settings: () => {
    readonly local: Pick<LocalSettings, 'namespace' | 'scope' | 'name' | 'etcd' | 'stateDir'>;
    readonly cluster: Pick<ClusterSettings, 'ttlMs' | 'synchronousMode'>;
  };
  /** Between the last instant PostgreSQL may accept writes and the end of the lease. */
  readonly marginMs: (ttlMs: number) => number;
  wake(reason: string): void;
  readonly note: Note;
}

const defaultBudgetMs = 2_000;
/** Reads remembered for the premise of an acquisition. */
const readsRemembered = 16;

/** Everything the loop asks of etcd. The cluster (scope, namespace, name) is fixed for the life of the agent. */
export function makeDcs(world: DcsWorld & Pick<World, 'files'>, { settings, marginMs, wake, note }: DcsOptions) {
  const { namespace, scope, name } = settings().local;
  const keys = keysOf(namespace, scope);
  const ttlMs = (): number => settings().cluster.ttlMs;
  const isSynchronous = (): boolean => settings().cluster.synchronousMode !== 'off';
  const client = makeEtcdClient(world, () => settings().local.etcd, note);
  const revoke = makeRevoker(world, client);
  const leadership = makeLeadership(world, client, { keys, name, ttlMs, marginMs, isSynchronous, revoke });
  const member = makeMemberLease(world, client, { keys, name, ttlMs, revoke });
  const vacancies = makeVacancies(client, keys);
  const garbled = makeGarbled(client, keys);
  const wakes = makeWakes({ keys, name, wake });
  const writes = makeWrites(client, { keys, name, held: leadership.held, memberLease: member.leaseId });
  const watch = makeWatch(world, client, keys, {
    event(event) {
      if (event.key === keys.leader) vacancies.event(event);
      wakes.event(event);
    },
    relist: () => wake('relist'),
    ttlMs,
    note,
  });
  const syncKey = makeSyncDoubt(world);
  const failsafeMap = makeFailsafeMap(world, settings().local.stateDir);
  let lastSeen: Cluster | null = null;
  let unreachableSinceMs: InstantMs | null = null;
  let answeredSinceMs: InstantMs | null = null;
  /** Revision of a read → what the premise of an acquisition needs of it. */
  const readAt = new Map<Revision, ReadAt>();
  /** The timeline that was told in the present term. */
  let announced: { readonly term: Term; readonly id: Timeline } | null = null;

  async function read(budgetMs: number = defaultBudgetMs): Promise<DcsView> {
    const beganMs = world.clock.now();
    const asked = await client.request('range', { key: keys.prefix, rangeEnd: keys.rangeEnd }, { budgetMs });
    if (asked.kind !== 'done') {
      unreachableSinceMs ??= beganMs;
      answeredSinceMs = null;
      return { kind: 'unreachable', sinceMs: unreachableSinceMs, why: asked.why, lastSeen };
    }
    unreachableSinceMs = null;
    answeredSinceMs ??= asked.sentMs;
    const reachableSinceMs = answeredSinceMs;
    const { kvs } = asked.answer;
    const at = asked.header.revision;
    const found = readCluster(kvs, at, keys.prefix);
    const leftMs = (): number => Math.max(100, budgetMs - (world.clock.now() - beganMs));
    const cluster = await garbled.look(found, kvs, leftMs);
    const modRevisionOf = (wanted: string): Revision => kvs.find(({ key }) => key === wanted)?.modRevision ?? absent;
    const spoilt = cluster.garbage.find(({ key }) => key === keys.sync);
    readAt.set(at, {
      status: modRevisionOf(keys.status),
      timeline: modRevisionOf(keys.timeline),
      sync: modRevisionOf(keys.sync),
      syncText: spoilt?.before?.text ?? kvs.find(({ key }) => key === keys.sync)?.value ?? null,
      failsafe: modRevisionOf(keys.failsafe),
      config: modRevisionOf(keys.config),
    });
    syncKey.seen(modRevisionOf(keys.sync), asked.sentMs);
    failsafeMap.seen(
      { at: modRevisionOf(keys.failsafe), members: cluster.failsafe?.members ?? null, sentMs: asked.sentMs },
      leadership.held()?.term ?? null,
    );
    for (const old of readAt.keys()) if (readAt.size > readsRemembered) readAt.delete(old);
    lastSeen = cluster;
    leadership.met(cluster.leader);
    member.seen(cluster.members);
    wakes.seen(cluster.members);
    const { vacancy, blindBeforeMs } = await vacancies.look(cluster, asked.sentMs, leftMs());
    const sinceMs = instantMs(Math.max(reachableSinceMs, blindBeforeMs ?? reachableSinceMs));
    return { kind: 'reachable', sinceMs, cluster, readMs: asked.sentMs, vacancy, syncInDoubt: syncKey.isInDoubt() };
  }

  return {
    /** One linearizable read of everything. */
    read,
    /** The watch: it wakes, nothing more. */
    start: watch.start,
    stop: watch.stop,
    held: leadership.held,
    tried: leadership.tried,
    /** Takes over a lease from guardian or file, unproven. */
    adopt: (state: Adopted): void => leadership.adopt(state),
    async renew(budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<HeldLease>> {
      void member.keepAlive(budgetMs); // the member key must outlive the leader key
      return leadership.renew(budgetMs);
    },
    /** The premise: in the read of this revision there was no leader, and no reign has come and gone since. */
    async acquire(
      seenRevision: Revision,
      budgetMs: number = defaultBudgetMs,
      how: Acquiring = {},
    ): Promise<DcsOutcome<HeldLease>> {
      const seen = readAt.get(seenRevision);
      if (seen === undefined) return { kind: 'refused', why: `revision ${seenRevision} is none that was read lately` };
      const outcome = await leadership.acquire(seen, budgetMs, how);
      if (outcome.kind === 'done') {
        const { lease, term } = outcome.value;
        if (how.announce != null) announced = { term, id: how.announce };
        vacancies.met({ name, lease, term, modRevision: revision(term) });
      }
      return outcome;
    },
    /** Tells the cluster which timeline is about to begin, unless that was told with the key. */
    async announceTimeline(id: Timeline, term: Term, budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<null>> {
      if (announced?.term === term && announced.id >= id)
        return { kind: 'done', value: null, revision: revision(term), sentMs: world.clock.now() };
      const outcome = await writes.putAsLeader('timeline', String(id), term, budgetMs);
      if (outcome.kind === 'done') announced = { term, id };
      return outcome;
    },
    /** A leader key with my name that hangs on another's lease: taken over as it was seen, with the guard armed before. */
    async adoptKey(
      seen: LeaderKey,
      arm: (wanted: HeldLease) => Promise<string | null>,
      budgetMs: number = defaultBudgetMs,
    ): Promise<DcsOutcome<HeldLease>> {
      const outcome = await leadership.adoptKey(seen, arm, budgetMs);
      if (outcome.kind === 'done')
        vacancies.met({ ...seen, lease: outcome.value.lease, modRevision: outcome.revision });
      return outcome;
    },
    release: (finalStatus: string | null, budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<null>> =>
      leadership.release(finalStatus, budgetMs),
    /** Forgets a lease that is proven lost. It is not revoked: while it lives, the others wait. */
    drop: leadership.drop,
    publishMember: (record: MemberRecord, budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<null>> =>
      member.publish(record, budgetMs),
    published: member.published,
    deleteMember: (budgetMs: number = defaultBudgetMs): Promise<DcsOutcome<null>> => member.remove(budgetMs),
    /** LeaseTimeToLive of the lease last seen on the leader key; the next view's vacancy shows it too. */
    askLeaderLease: (budgetMs: number = defaultBudgetMs) => vacancies.askLease(budgetMs),
    putAsLeader: (key: LeaderWritten, text: string | null, term: Term, budgetMs: number = defaultBudgetMs) =>
      writes.putAsLeader(key, text, term, budgetMs),
    writeSync: (text: string | null, seen: Seen, term: Term, budgetMs: number = defaultBudgetMs) =>
      syncKey.write(seen, () => writes.putAsLeaderOver('sync', text, seen, term, budgetMs)),
    /** `/failsafe`: who is asked, and so who may lead. Null deletes. */
    writeFailsafe: (members: FailsafeMap | null, seen: Seen, term: Term, budgetMs: number = defaultBudgetMs) => {
      const text = members === null ? null : writeFailsafe(members);
      return failsafeMap.write(members, seen, term, budgetMs, (over, leftMs) =>
        writes.putAsLeaderOver('failsafe', text, over, term, leftMs),
      );
    },
    /** Whom to ask before going on without etcd; null: that is not known. */
    failsafeMap: failsafeMap.current,
    /** Of the reign that was taken over, if any: before the first look. */
    loadFailsafeMap: (): Promise<void> => failsafeMap.load(leadership.held()?.term ?? null),
    extend: leadership.extend,
    lowersToMs: leadership.lowersToMs,
    lowered: leadership.lowered,
    noneReleasedBefore: leadership.noneReleasedBefore,
    claimInitialize: (over: ClaimSeen | null = null, budgetMs: number = defaultBudgetMs) =>
      writes.claimInitialize(over, budgetMs),
    writeInitialize: (systemId: string, seen: Revision | null, budgetMs: number = defaultBudgetMs) =>
      writes.writeInitialize(systemId, seen, budgetMs),
    dropInitialize: (seen: Revision, budgetMs: number = defaultBudgetMs) => writes.dropInitialize(seen, budgetMs),
    writeConfig: (text: string, seen: Revision | null, budgetMs: number = defaultBudgetMs) =>
      writes.writeConfig(text, seen, budgetMs),
    /** Puts `{}`, if the request is still the one that was seen. */
    clearFailover: (seen: Revision, budgetMs: number = defaultBudgetMs) => writes.clearFailover(seen, budgetMs),
    put: (key: string, text: string, seen: Seen, budgetMs: number = defaultBudgetMs) =>
      writes.put(key, text, seen, budgetMs),
  };
}
