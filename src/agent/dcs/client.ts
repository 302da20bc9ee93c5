import type { EtcdSettings } from '../../model/settings.ts';
import { type InstantMs, instantMs, later } from '../../model/units.ts';
import type { EtcdAnswer, EtcdAsk, EtcdCall, EtcdHeader, World } from '../../model/world.ts';
import { lastForMs, makeEndpoints } from './endpoints.ts';
import { kindOfError } from './errors.ts';
import { flawOf } from './flaws.ts';
import { makeIdentity } from './identity.ts';
import { makeToken } from './token.ts';

export type DcsWorld = Pick<World, 'clock' | 'chance' | 'etcd'>;
export type Note = (
  level: 'info' | 'warning' | 'error',
  text: string,
  facts: readonly (readonly [string, string | number | boolean | null])[],
) => void;

/** How a request went as a whole. `doubt`: an earlier try of it may have been applied too. */
export type Asked<C extends EtcdCall> =
  | {
      readonly kind: 'done';
      readonly answer: EtcdAnswer<C>;
      readonly header: EtcdHeader;
      readonly sentMs: InstantMs;
      readonly doubt: boolean;
    }
  | { readonly kind: 'refused'; readonly why: string; readonly code: number }
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** A try at one of several endpoints gets this long, more only when all of them turn out slow. */
const tryMs = { least: 400, most: 3_200 } as const;
/** No try is begun with less left: it could only spread doubt. */
const leastWorthMs = 40;
const pauseMs = { first: 30, most: 300 } as const;
const refreshEveryMs = 60_000;

export type EtcdClient = ReturnType<typeof makeEtcdClient>;

/**
 * Requests to etcd as a cluster: endpoints in turn, each try with its own limit, the whole within a budget, and an
 * outcome that never takes "no answer" for "not done". Writes must be guarded (compared), since they may be sent twice.
 */
export function makeEtcdClient(world: DcsWorld, settings: () => EtcdSettings, note: Note = () => {}) {
  const { clock, chance, etcd } = world;
  let found: readonly string[] = [];
  const endpoints = makeEndpoints(clock, chance, () => [...settings().endpoints, ...found]);
  const identity = makeIdentity(clock, (text) => note('warning', text, []));
  const tokens = makeToken(etcd, settings);
  const cutMs = new Map<string, InstantMs>();
  /** Met so far: each is judged once. */
  const versions = new Set<string>();
  let patienceMs: number = tryMs.least;
  let refreshMs = instantMs(0);

  /** One try at one endpoint. */
  async function attempt<C extends EtcdCall>(
    endpoint: string,
    call: C,
    ask: EtcdAsk<C>,
    limitMs: number,
  ): Promise<Try<C>> {
    const granted = await tokens.get(endpoint, limitMs);
    if (granted.kind === 'refused') return { kind: 'refused', why: granted.why, code: 16 };
    if (granted.kind === 'failed') return failed(endpoint, lastForMs.connection, granted.why);

    const before = identity.known();
    const sentMs = clock.now();
    const reply = await etcd.call(endpoint, call, ask, limitMs, granted.token);
    const doubt = changes.has(call);
    switch (reply.kind) {
      case 'answered': {
        const shown = { endpoint, header: reply.header, before, linearizable: linearizable.has(call) };
        const stale = identity.judge(shown, endpoints.count());
        if (stale !== null) return { ...failed(endpoint, lastForMs.deadline, stale), doubt };
        endpoints.answered(endpoint, reply.header.memberId);
        if (clock.now() - sentMs < tryMs.least / 2) patienceMs = Math.max(tryMs.least, patienceMs / 2);
        refreshNowAndThen(endpoint, granted.token);
        return { kind: 'done', answer: reply.answer, header: reply.header, sentMs };
      }
      case 'error': {
        const kind = kindOfError(reply.code, reply.message);
        if (kind === 'refused') return { kind: 'refused', why: reply.message, code: reply.code };
        if (kind === 'token') {
          tokens.drop(granted.token);
          return { kind: 'token', why: reply.message, code: reply.code };
        }
        return { ...failed(endpoint, lastForMs.leaderless, reply.message), doubt: doubt && kind === 'doubt' };
      }
      case 'lost':
      case 'unsent': {
        const slow = clock.now() - sentMs >= limitMs * 0.9;
        if (slow && limitMs < tryMs.least / 2)
          return { kind: 'next', why: reply.why, doubt: doubt && reply.kind === 'lost', slow };
        // A session that missed a deadline is cut, unless that was done since: others may use the new one already.
        if ((cutMs.get(endpoint) ?? 0) <= sentMs) etcd.cut(endpoint);
        cutMs.set(endpoint, clock.now());
        const lastMs = reply.kind === 'lost' && slow ? lastForMs.deadline : lastForMs.connection;
        return { ...failed(endpoint, lastMs, reply.why), doubt: doubt && reply.kind === 'lost', slow };
      }
      default:
        return reply satisfies never;
    }
  }

  function failed(endpoint: string, forMs: number, why: string): Next {
    if (endpoints.failed(endpoint, forMs))
      note('info', 'an etcd endpoint is put last', [
        ['endpoint', endpoint],
        ['why', why],
      ]);
    return { kind: 'next', why: `${endpoint}: ${why}`, doubt: false, slow: false };
  }

  async function request<C extends EtcdCall>(
    call: C,
    ask: EtcdAsk<C>,
    { budgetMs }: { readonly budgetMs: number },
  ): Promise<Asked<C>> {
    const endMs = later(clock.now(), budgetMs);
    let doubt = false;
    let why = 'no etcd endpoint is known';
    let reauthenticated = false;
    for (let pass = 0; ; pass++) {
      const order = await endpointsToTry(endMs);
      let allSlow = order.length > 0;
      for (let turn = 0; turn < order.length; ) {
        const leftMs = endMs - clock.now();
        if (leftMs < leastWorthMs) return unanswered();
        const endpoint = order[turn] ?? '';
        const limitMs = Math.min(leftMs, order.length === 1 ? Math.max(patienceMs, leftMs / 2) : patienceMs);
        const tried = await attempt(endpoint, call, ask, limitMs);
        if (tried.kind === 'done') return { ...tried, doubt };
        if (tried.kind !== 'next') {
          if (tried.kind === 'refused' || reauthenticated) return { ...tried, kind: 'refused' };
          reauthenticated = true; // and the same endpoint again
          continue;
        }
        why = tried.why;
        doubt ||= tried.doubt;
        allSlow &&= tried.slow;
        turn++;
      }
      if (allSlow) patienceMs = Math.min(tryMs.most, patienceMs * 2);
      const pause = Math.min(pauseMs.most, pauseMs.first * 2 ** pass);
      if (clock.now() + pause + leastWorthMs > endMs) return unanswered();
      await clock.sleep(pause / 2 + chance.below(pause / 2));
    }

    function unanswered(): Asked<C> {
      return { kind: doubt ? 'unknown' : 'unreachable', why };
    }
  }

  async function endpointsToTry(endMs: InstantMs): Promise<string[]> {
    const { srv } = settings();
    const order = endpoints.order();
    if (order.length > 0 || srv === null) return order;
    found = await etcd.resolveSrv(srv, Math.max(1, Math.min(1_000, endMs - clock.now())));
    return endpoints.order();
  }

  /** Asks for the members of etcd, and the version of this one, beside the request that just succeeded: both may have changed. */
  function refreshNowAndThen(endpoint: string, token: string | null): void {
    const nowMs = clock.now();
    if (nowMs < refreshMs) return;
    refreshMs = later(nowMs, refreshEveryMs);
    void refresh(endpoint, token);
  }

  async function refresh(endpoint: string, token: string | null): Promise<void> {
    if (!settings().useProxies) {
      const reply = await etcd.call(endpoint, 'memberList', {}, 1_000, token);
      if (reply.kind === 'answered') endpoints.discover(reply.answer.clientUrls);
    }
    const reply = await etcd.call(endpoint, 'status', {}, 1_000, token);
    if (reply.kind === 'answered') judgeVersion(endpoint, reply.answer.version);
  }

  function judgeVersion(endpoint: string, version: string): void {
    if (versions.has(version)) return;
    versions.add(version);
    const flaw = flawOf(version);
    if (flaw === null) return;
    note('warning', `etcd ${version}: ${flaw}`, [['endpoint', endpoint]]);
  }

  return { request, endpoints, token: tokens, identity };
}

/** Answered by a quorum, with the revision that the answer belongs to. */
const linearizable: ReadonlySet<EtcdCall> = new Set<EtcdCall>(['range', 'txn']);

/** What may leave something behind when its answer is lost. */
const changes: ReadonlySet<EtcdCall> = new Set<EtcdCall>(['txn', 'leaseGrant', 'leaseKeepAlive', 'leaseRevoke']);

interface Next {
  readonly kind: 'next';
  readonly why: string;
  readonly doubt: boolean;
  /** It used its whole limit. */
  readonly slow: boolean;
}
type Try<C extends EtcdCall> =
  | { readonly kind: 'done'; readonly answer: EtcdAnswer<C>; readonly header: EtcdHeader; readonly sentMs: InstantMs }
  | { readonly kind: 'refused'; readonly why: string; readonly code: number }
  | { readonly kind: 'token'; readonly why: string; readonly code: number }
  | Next;
