import type { Keys } from '../../codec/dcs/keys.ts';
import type { LeaseId, Revision } from '../../model/units.ts';
import { revision } from '../../model/units.ts';
import type { EtcdAsk, World } from '../../model/world.ts';
import { DcsError, type PeerEtcd } from './etcd.ts';
import type { View } from './view.ts';

export interface SessionOptions {
  readonly keys: Keys;
  readonly name: string;
  readonly ttlMs: () => number;
  readonly loopWaitMs: () => number;
  readonly retryTimeoutMs: () => number;
  /** Of Patroni before 4: a leader whose lease was granted anew puts its key without asking whose it is by now. */
  readonly putsUnconditionally: boolean;
}

export type Session = ReturnType<typeof makeSession>;

const leaseNotFound = 5;

/**
 * Patroni's one lease, which carries its member key and, while it leads, the leader key: kept alive once a cycle, granted anew
 * when it is lost, and never revoked.
 */
export function makeSession(world: Pick<World, 'clock'>, etcd: PeerEtcd, view: View, options: SessionOptions) {
  const { clock } = world;
  const { keys, name } = options;
  let lease: LeaseId | null = null;
  let grantedS = 0;
  let keptMs: number | null = null;
  /** On which of my leases I put the leader key, and the member key with its text. */
  let leaderOn: LeaseId | null = null;
  let memberOn: { readonly lease: LeaseId; readonly text: string } | null = null;
  const wantedS = (): number => Math.floor(options.ttlMs() / 1000);

  /** Not more often than once a cycle, unless it must be; throws DcsError. */
  async function refresh(forced: boolean, budgetMs: number): Promise<LeaseId> {
    const endMs = clock.now() + budgetMs;
    const left = (): number => endMs - clock.now();
    if (grantedS !== wantedS()) lease = null; // forgotten, and not revoked
    if (lease !== null && !forced && keptMs !== null && clock.now() - keptMs < options.loopWaitMs()) return lease;
    if (lease !== null) {
      const kept = await etcd.request('leaseKeepAlive', { lease }, left());
      if (kept.kind === 'done' && kept.answer.ttlS > 0) {
        keptMs = clock.now();
        return lease;
      }
      lease = null;
    }
    const granted = await etcd.request('leaseGrant', { ttlS: wantedS() }, left());
    if (granted.kind === 'refused') throw new DcsError(granted.message);
    lease = granted.answer.lease;
    grantedS = wantedS();
    keptMs = clock.now();
    return lease;
  }

  interface Written {
    readonly succeeded: boolean;
    readonly at: Revision;
  }
  /** Null: the lease is not there. */
  async function txn(ask: EtcdAsk<'txn'>, budgetMs: number): Promise<Written | null> {
    const reply = await etcd.request('txn', ask, budgetMs);
    if (reply.kind === 'done') return { succeeded: reply.answer.succeeded, at: reply.header.revision };
    if (reply.code === leaseNotFound) return null;
    throw new DcsError(reply.message);
  }
  const put = (key: string, value: string, on?: LeaseId) =>
    ({ op: 'put', key, value, ...(on === undefined ? {} : { lease: on }) }) as const;
  const absent = [{ target: 'create', key: keys.leader, equals: revision(0n) }] as const;
  const mine = [{ target: 'value', key: keys.leader, equals: name }] as const;

  /** A write without a condition, or with one; false: the condition did not hold. */
  async function write(
    key: string,
    value: string,
    compare: EtcdAsk<'txn'>['compare'] = [],
    budgetMs: number = options.retryTimeoutMs(),
  ): Promise<boolean> {
    const done = await txn({ compare, success: [put(key, value)], failure: [] }, budgetMs);
    if (done?.succeeded) view.wrote(key, value, done.at);
    else view.forget();
    return done?.succeeded === true;
  }

  async function putLeader(on: LeaseId, compare: EtcdAsk<'txn'>['compare'], budgetMs: number): Promise<Written | null> {
    const done = await txn({ compare, success: [put(keys.leader, name, on)], failure: [] }, budgetMs);
    if (done?.succeeded) {
      leaderOn = on;
      view.wrote(keys.leader, name, done.at);
    }
    return done;
  }

  return {
    write,
    async erase(key: string): Promise<void> {
      await txn({ compare: [], success: [{ op: 'delete', key }], failure: [] }, options.retryTimeoutMs());
      view.forget();
    },
    async touch(text: string): Promise<void> {
      const on = await refresh(false, options.retryTimeoutMs());
      if (memberOn?.lease === on && memberOn.text === text) return;
      const key = keys.member(name);
      const done = await txn({ compare: [], success: [put(key, text, on)], failure: [] }, options.retryTimeoutMs());
      if (done === null) {
        lease = null; // granted anew in the next cycle
        return;
      }
      memberOn = { lease: on, text };
      view.wrote(key, text, done.at);
    },
    /** The member key is gone from the view, whatever was written: it is put again. */
    memberLost(): void {
      memberOn = null;
    },
    /** Create-only. */
    async acquire(): Promise<boolean> {
      const endMs = clock.now() + options.retryTimeoutMs();
      for (let tries = 0; tries < 2; tries += 1) {
        const on = await refresh(true, endMs - clock.now());
        if (endMs - clock.now() < 1000) return false;
        const done = await putLeader(on, absent, endMs - clock.now());
        if (done !== null) {
          if (!done.succeeded) view.forget();
          return done.succeeded;
        }
        lease = null;
      }
      return false;
    },
    /** A keep-alive; the key itself is written only when it sits on another lease. False: another has it. */
    async update(): Promise<boolean> {
      const endMs = clock.now() + options.retryTimeoutMs();
      const left = (): number => endMs - clock.now();
      const on = await refresh(true, left());
      if (leaderOn === on) return true;
      if (options.putsUnconditionally) return (await putLeader(on, [], left()))?.succeeded === true;
      if ((await putLeader(on, mine, left()))?.succeeded) return true;
      if ((await putLeader(on, absent, left()))?.succeeded) return true;
      view.forget();
      return false;
    },
    /** At the end of a bootstrap: without any condition. */
    async take(): Promise<void> {
      const on = await refresh(true, options.retryTimeoutMs());
      await putLeader(on, [], options.retryTimeoutMs());
    },
    async release(): Promise<boolean> {
      const ask = { compare: mine, success: [{ op: 'delete', key: keys.leader }], failure: [] } as const;
      const done = await txn(ask, options.retryTimeoutMs());
      leaderOn = null;
      if (done?.succeeded) view.wrote(keys.leader, null, done.at);
      else view.forget();
      return done?.succeeded === true;
    },
    /** The leader key was seen under another name, or gone. */
    leaderLost(): void {
      leaderOn = null;
    },
  };
}
