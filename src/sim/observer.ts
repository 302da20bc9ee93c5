import type { Keys } from '../codec/dcs/keys.ts';
import type { Erasure, Observed, Right, Role } from '../model/history.ts';
import type { InstantMs, LeaseId } from '../model/units.ts';
import { makeConfirmations } from './confirmations.ts';
import { makeEligibility } from './eligible.ts';
import type { Engine } from './engine.ts';
import type { SimulatedEtcd } from './etcd/etcd.ts';
import { makeExposure } from './exposure.ts';
import { makeLapses } from './lapses.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { SimulatedNode } from './node.ts';
import { dataDirAt } from './postgres/dataDir.ts';
import type { Instance, PostgresWorld } from './postgres/instance.ts';
import { places } from './settings.ts';

/**
 * Watches a run from outside, after every event: who held the right to lead, and who was promoted. The laws are judged
 * over what it notes, together with what the clients hold in their hands.
 */
export interface Observer {
  observed(): readonly Observed[];
}

/**
 * A copy that its agent was making when it died: marked as half, and of no use to anybody, even where it was finished since. Without
 * its label it may be what people put there.
 */
function isOwnCopy(machine: Machine, path: string): boolean {
  const marker = machine.disk.get(`${places.stateDir}/job.json`);
  return marker?.kind === 'file' && /basebackup/.test(marker.text) && dataDirAt(machine, path).has('backup_label');
}

interface SeenServer {
  /** Null: not looked at yet. */
  inRecovery: boolean | null;
  /** Of one that was told to promote. */
  tooShortMs: number | null;
}

/** What a deadline must leave for clocks that run apart; of a short lease a quarter. */
const mostMarginMs = 5000;
/** What a stop in need is given of the shortest ttl that the agents accept. */
const mostStopMs = 3000;
/** After the deadline, where agent or guardian was at work: what is under way, and one more look. */
const quickFenceMs = 300;
/** One that began, or was thawed, this long before the deadline has had its time. */
const settledMs = 10_000;

export function makeObserver(
  engine: Engine,
  etcd: SimulatedEtcd,
  postgres: PostgresWorld,
  nodes: readonly SimulatedNode[],
  keys: Keys,
  network: Network,
): Observer {
  const eligibility = makeEligibility(engine, etcd, network, postgres, nodes, keys);
  const lapses = makeLapses(postgres, engine.now);
  const exposure = makeExposure(engine, etcd, postgres, nodes, keys.sync);
  const confirmations = makeConfirmations(engine, postgres, nodes);
  const over: Observed[] = [];
  const held = new Map<string, Right>();
  const servers = new WeakMap<Instance, SeenServer>();
  /** What each node's PostgreSQL is since when. */
  const roles = new Map<string, { readonly role: Role['role']; readonly fromMs: number }>();
  let keyAt = -1n;
  let key: {
    readonly name: string;
    readonly term: string;
    readonly lease: LeaseId | null;
    readonly sinceMs: number;
    readonly whyNot: string | null;
  } | null = null;
  let goneMs = 0;
  let lastHolder: string | null = null;
  /** Until when a primary without etcd goes on by what the members promised, by true time. */
  const promisedUntil = new Map<string, number>();
  /** The lease under each right. */
  const leases = new Map<string, LeaseId | null>();

  function readKey(): void {
    if (etcd.store.revision() === keyAt) return;
    keyAt = etcd.store.revision();
    const found = etcd.store.range(keys.leader);
    const kv = found.kind === 'kvs' ? found.kvs[0] : undefined;
    if (kv === undefined) {
      if (key !== null) {
        goneMs = engine.now();
        lastHolder = key.name;
      }
      key = null;
      return;
    }
    const term = String(kv.createRevision);
    const known = key?.term === term && key.name === kv.value ? key : null;
    const sinceMs = key?.term === term && key.name === kv.value ? key.sinceMs : engine.now();
    const whyNot = known === null ? eligibility.whyNot(kv.value, engine.now() - goneMs, lastHolder) : known.whyNot;
    key = { name: kv.value, term, lease: kv.lease, sinceMs, whyNot };
  }

  const runsAt = (name: string): SimulatedNode['runs'] | null => nodes.find((node) => node.name === name)?.runs ?? null;

  /**
   * Deleted by hand: whoever held it may not know, and everybody else waits for the end of its lease. A Patroni does not: it
   * takes the key, or puts its own over it. Whoever gave it away itself has stopped before.
   */
  const deletedUnder = (name: string): boolean => {
    const lease = leases.get(name) ?? null;
    const byPeer = key !== null && runsAt(key.name) === 'patroni' && roleOf(name) === 'primary';
    return (key === null || byPeer) && lease !== null && etcd.leases.lives(lease);
  };

  /**
   * A Patroni tells no deadline: its right lasts as long as its key, and without that for as long as its lease lives and its
   * server goes on as primary.
   */
  function lookAtPatroni(name: string): void {
    const mine = key?.name === name ? key : null;
    const one = held.get(name);
    if (one !== undefined && mine?.term !== one.term) {
      const lease = leases.get(name) ?? null;
      const goesOn = mine === null && lease !== null && etcd.leases.lives(lease) && roleOf(name) === 'primary';
      if (goesOn) return;
      close(name);
    }
    if (mine === null || (held.has(name) && leases.get(name) === mine.lease)) return;
    const fromMs = held.get(name)?.fromMs ?? mine.sinceMs;
    hold({ kind: 'right', node: name, term: mine.term, fromMs, untilMs: Number.MAX_SAFE_INTEGER }, mine.lease);
  }

  /** The key is another's, or its lease is no more: with it goes the right, were its deadline ahead. */
  function close(name: string): void {
    const one = held.get(name);
    if (one === undefined) return;
    held.delete(name);
    over.push({ ...one, untilMs: Math.max(one.fromMs, Math.min(one.untilMs, engine.now())) });
  }

  /** Whether agent or guardian was at work all the time before that instant: then nobody had to wait for the sentinel. */
  const quickGuard = (node: SimulatedNode, atMs: number): boolean =>
    (['agent', 'guardian'] as const).some((role) => {
      // An agent that hangs before its first look guards nothing.
      if (role === 'agent' && (node.handles()?.snapshot() ?? null) === null) return false;
      const sinceMs = node.runningSinceMs(role);
      if (sinceMs === null || sinceMs > atMs - settledMs) return false;
      // Nor one that could not read which deadline the one before it had.
      const hang = node.machine.lastHang();
      const hung = hang !== null && sinceMs >= hang.fromMs && sinceMs < (hang.untilMs ?? Number.POSITIVE_INFINITY);
      return !hung || (hang.untilMs !== null && hang.untilMs <= atMs - settledMs);
    });

  /**
   * A deadline counts from the sending of what gave the lease its time, which is never later than its receipt by etcd: so the
   * instant that it counts from, by the clock of its node, must not lie behind that.
   */
  function beyondLease({ machine }: SimulatedNode, deadlineMs: InstantMs, lease: LeaseId | null): number {
    const given = lease === null ? null : etcd.leases.given(lease);
    if (given === null) return 0;
    const marginMs = Math.min(mostMarginMs, given.ttlMs / 4);
    return machine.clock.trueMs(deadlineMs + marginMs - given.ttlMs) - given.atMs;
  }

  /** A promotion that is begun may have to be ended again, and that takes time. */
  function tooShortMs(name: string, toldMs: number): number {
    const right = held.get(name);
    const lease = leases.get(name) ?? null;
    const given = lease === null ? null : etcd.leases.given(lease);
    if (right === undefined || given === null) return 0; // without any right: told by what comes of it
    return Math.min(mostStopMs, given.ttlMs / 6) - (right.untilMs - toldMs);
  }

  function hold(right: Right, lease: LeaseId | null): void {
    leases.set(right.node, lease);
    held.set(right.node, right);
  }

  /**
   * Without etcd, by its word: all members promised not to take its place. That nobody does take it is judged by law 1, over
   * the rights of the others.
   */
  function seePromises({ name, machine }: SimulatedNode, deadlineMs: InstantMs): void {
    const untilMs = machine.clock.trueMs(deadlineMs);
    promisedUntil.set(name, Math.max(untilMs, promisedUntil.get(name) ?? 0));
    const one = held.get(name);
    if (one !== undefined && one.untilMs < untilMs && one.untilMs > engine.now()) held.set(name, { ...one, untilMs });
  }
  const goesByPromises = (name: string): boolean => key === null && (promisedUntil.get(name) ?? 0) > engine.now();

  /** Deleted by hand, the key may have been proven just before: its holder learns of that later, and of no more than that. */
  function extend(name: string, deadlineMs: number): void {
    const one = held.get(name);
    const lease = leases.get(name) ?? null;
    const given = lease === null ? null : etcd.leases.given(lease);
    if (one === undefined || given === null || key !== null) return;
    const mostMs = goneMs + given.ttlMs - Math.min(mostMarginMs, given.ttlMs / 4);
    if (deadlineMs > one.untilMs && deadlineMs <= mostMs) held.set(name, { ...one, untilMs: deadlineMs });
  }

  function look(): void {
    eligibility.look();
    exposure.look();
    confirmations.look();
    readKey();
    const nowMs = engine.now();
    for (const node of nodes) {
      const { name, machine } = node;
      if (node.runs === 'patroni') {
        lookAtPatroni(name);
        continue;
      }
      lapses.look(node);
      const mine = key?.name === name ? key : null;
      const handles = node.handles();
      const deadlineMs = handles?.fenceDeadlineMs() ?? null;
      if (handles !== null && deadlineMs !== null && handles.fencedByMembers()) seePromises(node, deadlineMs);
      const one = held.get(name);
      if (one !== undefined && mine?.term !== one.term && !deletedUnder(name) && !goesByPromises(name)) close(name);
      else if (one !== undefined && one.fenceMs === undefined && one.untilMs <= nowMs && quickGuard(node, one.untilMs))
        held.set(name, { ...one, fenceMs: quickFenceMs });
      // It took its own key again, and nobody led in between: until it knows of a new deadline the one before counts.
      if (one !== undefined && mine !== null && mine.term !== one.term && !held.has(name))
        hold({ kind: 'right', node: name, term: mine.term, fromMs: mine.sinceMs, untilMs: one.untilMs }, mine.lease);
      // Its right stands until its deadline, or until the key goes.
      if (mine === null && deadlineMs !== null) extend(name, machine.clock.trueMs(deadlineMs));
      if (mine === null || deadlineMs === null) continue;
      // With a shorter ttl the deadline comes nearer, while the lease behind the key still is the long one. Once the key has left
      // that lease all guards must go by the deadline that is held.
      const before = held.get(name);
      const moved = before !== undefined && leases.get(name) !== mine.lease;
      const untilMs = Math.max(machine.clock.trueMs(deadlineMs), moved ? 0 : (before?.untilMs ?? 0));
      // What is renewed after its end is another right: in between there was none.
      const isOver = before !== undefined && before.untilMs <= nowMs && untilMs > nowMs;
      if (isOver) over.push(before);
      const known = isOver ? undefined : before;
      if (known?.untilMs === untilMs && known.term === mine.term && leases.get(name) === mine.lease) continue;
      // What the members promise has nothing to do with the lease.
      const byMembers = machine.clock.trueMs(deadlineMs) <= (promisedUntil.get(name) ?? 0);
      const beyondMs = byMembers ? 0 : beyondLease(node, deadlineMs, mine.lease);
      const beyondLeaseMs = Math.max(known?.beyondLeaseMs ?? 0, beyondMs);
      // The key is there before its holder has the answer.
      const { term, sinceMs } = mine;
      const fromMs = isOver ? nowMs : known?.term === term ? known.fromMs : sinceMs;
      hold({ kind: 'right', node: name, term, fromMs, untilMs, beyondLeaseMs }, mine.lease);
    }
    seeRoles();
    for (const server of postgres.servers) {
      if (server.machine.name === key?.name && server.phase === 'ready' && !server.inRecovery) seeLeader(server);
      const toldMs = server.toldToPromoteMs;
      const seen = seenServer(server);
      if (toldMs !== null) seen.tooShortMs ??= tooShortMs(server.machine.name, toldMs);
      const before = seen.inRecovery;
      if (before === server.inRecovery) continue;
      seen.inRecovery = server.inRecovery;
      if (before !== true) continue;
      const { name } = server.machine;
      over.push({
        kind: 'promotion',
        node: name,
        term: key?.name === name ? key.term : null,
        timeline: server.wal.timeline,
        atMs: nowMs,
        ...(toldMs === null ? {} : { toldMs }),
        ineligible: key?.name === name ? key.whyNot : null,
        tooShortMs: seen.tooShortMs ?? 0,
      });
    }
  }
  function seenServer(server: Instance): SeenServer {
    const known = servers.get(server);
    if (known !== undefined) return known;
    const one: SeenServer = { inRecovery: null, tooShortMs: null };
    servers.set(server, one);
    return one;
  }
  function seeRoles(): void {
    for (const { name } of nodes) {
      const role = roleOf(name);
      const before = roles.get(name);
      if (before?.role === role) continue;
      if (before !== undefined) over.push({ kind: 'role', node: name, ...before, untilMs: engine.now() });
      roles.set(name, { role, fromMs: engine.now() });
    }
  }
  function roleOf(name: string): Role['role'] {
    for (const { machine, phase, inRecovery } of postgres.servers)
      if (machine.name === name && phase === 'ready') return inRecovery ? 'standby' : 'primary';
    return 'stopped';
  }
  /** Servers that were primary while their node held the key: of which system, and when last. */
  const led = new Map<Instance, { readonly systemId: string | null; lastMs: number }>();
  function seeLeader(server: Instance): void {
    const known = led.get(server);
    if (known === undefined)
      led.set(server, { systemId: server.dir.control()?.systemId ?? null, lastMs: engine.now() });
    else known.lastMs = engine.now();
  }
  for (const { name, machine } of nodes)
    machine.onErased = (path, how) => {
      if (how === 'removed' && isOwnCopy(machine, path)) return;
      const systemId = dataDirAt(machine, path).control()?.systemId ?? null;
      const lastMs = [...led.values()].flatMap((one) => ([null, one.systemId].includes(systemId) ? [one.lastMs] : []));
      const leaderAgoMs = lastMs.length === 0 ? null : engine.now() - Math.max(...lastMs);
      const erasure: Erasure = { kind: 'erasure', node: name, how, atMs: engine.now(), leaderAgoMs };
      over.push(erasure);
    };
  engine.onStep(look);

  return {
    observed: () => [
      ...over,
      ...held.values(),
      ...lapses.all(),
      ...exposure.all(),
      ...confirmations.all(),
      ...[...roles].map(([node, one]): Role => ({ kind: 'role', node, ...one, untilMs: engine.now() })),
    ],
  };
}
