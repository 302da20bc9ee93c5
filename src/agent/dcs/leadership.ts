import type { Keys } from '../../codec/dcs/keys.ts';
import type { HeldLease, LeaderKey } from '../../model/cluster.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import {
  type InstantMs,
  type LeaseId,
  later,
  type Revision,
  revision,
  type Term,
  type Timeline,
  term,
} from '../../model/units.ts';
import type { EtcdKeyValue, EtcdOp } from '../../model/world.ts';
import type { DcsWorld, EtcdClient } from './client.ts';
import { noSuchLease } from './errors.ts';
import { giveAway, putKey } from './give.ts';
import { writeGuarded } from './guarded.ts';
import { type Adopted, describeLeader, fenceDeadline, isMineStill, type ReadAt } from './lease.ts';
import { fromPredecessor } from './predecessor.ts';
import { takeKey } from './take.ts';
import { type Candidate, makeTries } from './tries.ts';

export interface Acquiring {
  readonly announce?: Timeline | null | undefined;
  readonly writesUntilMs?: InstantMs | null | undefined;
}

/** The lease of the leader key: taken, proven, moved, released. Only a proof moves the deadline. */
export function makeLeadership(
  world: DcsWorld,
  client: EtcdClient,
  options: {
    readonly keys: Keys;
    readonly name: string;
    readonly ttlMs: () => number;
    readonly marginMs: (ttlMs: number) => number;
    readonly isSynchronous: () => boolean;
    revoke(lease: LeaseId): void;
  },
) {
  const { keys, name } = options;
  const { clock } = world;
  let held: HeldLease | null = null;
  /** What was asked for when the held lease was granted; etcd may grant more. Null: not known. */
  let askedS: number | null = null;
  let moving: Candidate | null = null;
  const tries = makeTries(clock);
  /** The revision of the leader key while it is mine, as last shown; null: not known. */
  let keyAt: Revision | null = null;
  /**
   * A release may still arrive: one of mine that was lost sight of, or, in a new life of the agent, one of the life before. It compares
   * the revision of the key, so that writing the key again calls it off.
   */
  let released: 'by me' | 'before me' | null = null;
  /** The latest deadline that a guard may know of this term: guards move it forward, and back only when they are told so by name. */
  let latestMs: InstantMs | null = null;

  const wantedS = (): number => Math.ceil(options.ttlMs() / 1_000);
  const countedMsOf = ({ ttlMs }: Pick<HeldLease, 'ttlMs'>): number => Math.min(ttlMs, wantedS() * 1_000);
  const leftMs = (endMs: InstantMs): number => Math.max(0, endMs - clock.now());

  const inDoubt = () => (released === null ? {} : ({ releaseInDoubt: true } as const));

  function hold(of: Pick<HeldLease, 'lease' | 'term' | 'ttlMs' | 'sentMs'>): HeldLease {
    const { lease, term, ttlMs, sentMs } = of;
    // The margin is of that length, too: one of a longer ttl to come could take all of a short lease.
    const countedMs = countedMsOf(of);
    const deadlineMs = fenceDeadline(sentMs, countedMs, options.marginMs(countedMs));
    if (latestMs === null || deadlineMs > latestMs) latestMs = deadlineMs;
    held = { lease, term, ttlMs, sentMs, deadlineMs, proven: true, ...inDoubt() };
    return held;
  }

  /** Not revoked: while it lives, the others know that this node may not have stopped yet. */
  function forget(): void {
    [held, askedS, moving, latestMs, keyAt, released] = [null, null, null, null, null, null];
  }

  /** Until the guard has heard of this term it goes by the deadline of the one before. */
  const guardedUntil = (atMs: InstantMs): void => {
    if (latestMs === null || latestMs < atMs) latestMs = atMs;
  };

  /** A read shows the leader key: was it a try of mine, of which I never heard? It is held then, and not proven yet. */
  function met(leader: LeaderKey | null): void {
    if (leader !== null && leader.name === name && leader.term === held?.term) keyAt = leader.modRevision;
    if ((held !== null && held.byMembers !== true) || leader === null || leader.name !== name) return;
    const mine = tries.of(leader.lease);
    if (mine === null) return;
    tries.clear();
    askedS = mine.askedS;
    held = { ...hold({ ...mine, term: leader.term }), proven: false };
    guardedUntil(mine.writesUntilMs);
  }

  function lost(why: string): DcsOutcome<never> {
    forget();
    return refused(why);
  }

  /** The lease is over, and its key gone or about to go: that takes nothing from what the members promised, unless I gave it away. */
  function ended(why: string): DcsOutcome<never> {
    const goesOn = held?.byMembers === true && clock.now() < held.deadlineMs && released === null;
    return goesOn ? { kind: 'unknown', why: `${why}; what the members promised holds` } : lost(why);
  }

  /** A keep-alive, and after it a transaction that finds the key still mine: only both together prove anything. */
  async function renew(budgetMs: number): Promise<DcsOutcome<HeldLease>> {
    const endMs = later(clock.now(), budgetMs);
    const mine = held;
    if (mine === null) return refused('no lease is held');
    const kept = await client.request('leaseKeepAlive', { lease: mine.lease }, { budgetMs: leftMs(endMs) });
    if (held !== mine) return refused('the lease was given up meanwhile');
    const isOver = kept.kind === 'done' ? kept.answer.ttlS <= 0 : kept.kind === 'refused' && kept.code === noSuchLease;
    if (isOver && moving === null) return ended('the lease has ended');
    // Another error of etcd (no permission, say) tells nothing about the key: the lease is in doubt, not lost.
    if (kept.kind === 'refused') return { kind: 'unreachable', why: kept.why };
    if (kept.kind !== 'done') return kept;

    const range: EtcdOp = { op: 'range', key: keys.leader };
    // The ranges matter: a transaction without operations is answered from the member's own, perhaps stale state.
    const ask = { compare: isMineStill(keys, name, mine), success: [range], failure: [range] };
    const checked = await client.request('txn', ask, { budgetMs: leftMs(endMs) });
    if (held !== mine) return refused('the lease was given up meanwhile');
    if (checked.kind === 'refused') return { kind: 'unreachable', why: checked.why };
    if (checked.kind !== 'done') return checked;
    const key = checked.answer.ranges[0]?.[0];
    if (!checked.answer.succeeded && moving !== null && sitsOn(moving, mine, key)) {
      arrive(mine, moving); // and the new lease proves itself like any other
      return leftMs(endMs) > 100 ? renew(leftMs(endMs)) : { kind: 'unknown', why: 'the leader key has a new lease' };
    }
    if (key === undefined) return ended(describeLeader(key));
    if (!checked.answer.succeeded) return lost(describeLeader(key));
    if (isOver) return ended('the lease has ended');
    keyAt = key.modRevision;
    if ((moving !== null || released !== null) && !(await callOff(mine, key, leftMs(endMs))))
      return {
        kind: 'unknown',
        why:
          released === null
            ? 'the leader key may be moving to another lease'
            : 'a release of the leader key may still arrive',
      };

    const value = hold({ ...mine, ttlMs: kept.answer.ttlS * 1_000, sentMs: kept.sentMs });
    // A guard keeps the later deadline that a longer ttl gave it: until it has confirmed an earlier one, or the shorter ttl has
    // caught up with it, the key stays on the long lease, or it could go, and another be promoted, before that guard acts.
    const mayMove = latestMs === null || value.deadlineMs >= latestMs;
    const now = { ...key, modRevision: keyAt ?? key.modRevision };
    if (askedS !== wantedS() && mayMove) await move(value, now, leftMs(endMs));
    return { kind: 'done', value: held ?? value, revision: checked.header.revision, sentMs: kept.sentMs };
  }

  /** The ttl was changed: the key moves to a lease of the new length, and keeps its create revision. */
  async function move(mine: HeldLease, key: EtcdKeyValue, budgetMs: number): Promise<void> {
    const endMs = later(clock.now(), budgetMs);
    const wanted = wantedS();
    const granted = await client.request('leaseGrant', { ttlS: wanted }, { budgetMs: leftMs(endMs) });
    if (granted.kind !== 'done' || held !== mine) return;
    const { lease, ttlS } = granted.answer;
    const target: Candidate = { lease, ttlMs: ttlS * 1_000, sentMs: granted.sentMs, askedS: wanted };
    moving = target;
    const moved = await writeGuarded(client, putKey(keys, name, { mine, at: key.modRevision, lease }), leftMs(endMs));
    // Without a clear answer the next renewal sees where the key sits.
    if (held === mine && moved.kind === 'done') arrive(mine, target);
  }

  /**
   * A move or a release whose answer was lost may still be on its way: the key would go with a lease that nobody keeps alive, or at
   * once, before my deadline. Writing the key again where it is changes its revision, which the late one compares; only then
   * may the deadline move, and the unused lease go.
   */
  async function callOff(mine: HeldLease, key: EtcdKeyValue, budgetMs: number): Promise<boolean> {
    const target = moving;
    const written = await rewrite(mine, key, mine.lease, budgetMs);
    if (held !== mine || written.kind !== 'done') return false;
    keyAt = written.value.get(keys.leader)?.modRevision ?? null;
    if (target !== null) options.revoke(target.lease);
    moving = null;
    released = null;
    return true;
  }

  const rewrite = (mine: HeldLease, { modRevision: at }: EtcdKeyValue, lease: LeaseId, budgetMs: number) =>
    writeGuarded(client, putKey(keys, name, { mine, at, lease }), budgetMs);

  const sitsOn = (target: Candidate, mine: HeldLease, key: EtcdKeyValue | undefined): boolean =>
    key?.value === name && key.lease === target.lease && key.createRevision === revision(mine.term);

  function arrive(mine: HeldLease, target: Candidate): void {
    options.revoke(mine.lease); // nothing hangs on it any more
    askedS = target.askedS;
    moving = null;
    keyAt = null;
    hold({ ...target, term: mine.term });
  }

  /**
   * Creates the leader key on a lease of its own, unless there is one, my member key is not there, or a reign came between.
   * `writesUntilMs`: PostgreSQL may accept writes until then; null: it accepts none.
   */
  async function acquire(
    seen: ReadAt,
    budgetMs: number,
    { announce = null, writesUntilMs = null }: Acquiring,
  ): Promise<DcsOutcome<HeldLease>> {
    const endMs = later(clock.now(), budgetMs);
    // What the members promise stands until the key is taken anew: etcd may be gone again before that.
    if (held !== null && held.byMembers !== true) return refused('a lease is already held');
    const safeMs = writesUntilMs === null ? 0 : writesUntilMs - clock.now() + options.marginMs(wantedS() * 1_000);
    const wanted = Math.max(wantedS(), Math.ceil(safeMs / 1_000));
    const granted = await client.request('leaseGrant', { ttlS: wanted }, { budgetMs: leftMs(endMs) });
    if (granted.kind === 'refused') return refused(granted.why);
    if (granted.kind !== 'done') return { kind: 'unreachable', why: granted.why }; // a lease without keys is nothing
    const { lease, ttlS } = granted.answer;
    const take = takeKey(keys, name, { seen, lease, announce, keepsSync: options.isSynchronous() });
    const taken = await writeGuarded(client, take, leftMs(endMs));
    const key = taken.kind === 'done' ? taken.value.get(keys.leader) : undefined;
    if (taken.kind !== 'done' || key === undefined) {
      // Over a standby: so that a put still on its way fails when it arrives.
      if (writesUntilMs === null) options.revoke(lease);
      else tries.add({ lease, ttlMs: ttlS * 1_000, sentMs: granted.sentMs, askedS: wanted, writesUntilMs });
      return taken.kind === 'done' ? { kind: 'unknown', why: 'the leader key was taken, and is not shown' } : taken;
    }
    askedS = wanted;
    moving = null;
    tries.clear();
    keyAt = key.modRevision;
    released = null;
    const value = hold({ lease, term: term(key.createRevision), ttlMs: ttlS * 1_000, sentMs: granted.sentMs });
    if (writesUntilMs !== null) guardedUntil(writesUntilMs);
    return { kind: 'done', value, revision: taken.revision, sentMs: granted.sentMs };
  }

  /** From a Patroni that ran here: `fromPredecessor`. */
  async function adoptKey(
    seen: LeaderKey,
    arm: (wanted: HeldLease) => Promise<string | null>,
    budgetMs: number,
  ): Promise<DcsOutcome<HeldLease>> {
    if (held !== null) return refused('a lease is already held');
    const { marginMs, revoke } = options;
    const parts = { client, clock, keys, name, wantedS, marginMs, revoke, mayHaveMoved: tries.add };
    const moved = await fromPredecessor(parts, seen, arm, budgetMs);
    if (moved.kind !== 'done') return moved;
    askedS = moved.value.askedS;
    keyAt = null;
    return { ...moved, value: hold({ ...moved.value, term: seen.term }) };
  }

  /** One transaction: still mine, and as it was last seen; final status written, key deleted. */
  async function release(finalStatus: string | null, budgetMs: number): Promise<DcsOutcome<null>> {
    const mine = held;
    if (mine === null) return refused('no lease is held');
    const given = await giveAway({ client, keys, name, clock }, { mine, at: keyAt, finalStatus }, budgetMs);
    keyAt = null;
    if (given.key === 'given') {
      options.revoke(mine.lease);
      if (moving !== null) options.revoke(moving.lease);
    }
    if (given.key === 'given' || given.key === 'not mine') forget();
    if (given.key === 'in doubt') {
      // Nothing counts as proven before it is called off, or has come true.
      released = 'by me';
      held = { ...mine, proven: false, releaseInDoubt: true };
    }
    return given.outcome;
  }

  return {
    held: (): HeldLease | null => held,
    /** Leases on which the leader key may be, without that I know. */
    tried: tries.leases,
    met,
    renew,
    acquire,
    adoptKey,
    release,
    /** Takes over what an earlier life of this agent held. Nothing is proven until a renewal. */
    adopt(state: Adopted): void {
      const { lease, term, ttlMs, sentMs, deadlineMs } = state;
      if (lease === null || term === null || ttlMs === null || sentMs === null || deadlineMs === null) return;
      released = 'before me';
      held = { lease, term, ttlMs, sentMs, deadlineMs, proven: false, releaseInDoubt: true };
      askedS = Math.ceil(ttlMs / 1_000);
      latestMs = deadlineMs;
    },
    /** All members promised, as of `sentMs`, not to take this node's place for one ttl: without etcd that is as good as a renewal. */
    extend(reign: Term, sentMs: InstantMs): HeldLease | null {
      // Once the deadline is over the guards are at work: there is nothing left to go on with.
      const isOver = held === null || clock.now() >= held.deadlineMs || released !== null;
      if (isOver || held?.term !== reign || sentMs <= held.sentMs) return null;
      held = { ...hold({ ...held, sentMs }), byMembers: true };
      return held;
    },
    /** A guard may still go by a later deadline than the one that is held, as after a ttl that was lowered: until when the held one leaves time. */
    lowersToMs: (): InstantMs | null =>
      held === null || latestMs === null || held.deadlineMs >= latestMs ? null : later(held.sentMs, countedMsOf(held)),
    /** All guards go by that deadline of this term, and no later one. True: the key can go to a lease of its own length now. */
    lowered(reign: Term, deadlineMs: InstantMs): boolean {
      if (held?.term !== reign || held.deadlineMs > deadlineMs) return false;
      latestMs = deadlineMs;
      return held.proven && askedS !== wantedS();
    },
    /** The server that the agent before this one left runs as the primary: it was started when no release was under way. */
    noneReleasedBefore(): void {
      if (released !== 'before me') return;
      released = null;
      if (held === null) return;
      const { releaseInDoubt: _, ...rest } = held;
      held = rest;
    },
    drop: forget,
  };
}

const refused = (why: string): DcsOutcome<never> => ({ kind: 'refused', why });
