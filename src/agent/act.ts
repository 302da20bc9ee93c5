import { writeHistory } from '../codec/dcs/history.ts';
import { writeStatus } from '../codec/dcs/status.ts';
import { writeSync } from '../codec/dcs/sync.ts';
import { etcdAnswerMs, type upkeepAnswerMs, usualAnswerMs } from '../decide/timing.ts';
import type { ClusterStatus, LeaderKey } from '../model/cluster.ts';
import type { Action, ActionResult, Decision } from '../model/decision.ts';
import type { ControlOutcome, DcsOutcome } from '../model/outcome.ts';
import { type InstantMs, type Lsn, later } from '../model/units.ts';
import type { Clock } from '../model/world.ts';
import type { Callbacks } from './callbacks.ts';
import type { ConfigurationKeeper } from './configuration.ts';
import type { Dcs } from './dcs/dcs.ts';
import type { Failsafe } from './failsafe/failsafe.ts';
import type { GuardLink } from './guard/link.ts';
import type { JobRunner } from './jobs.ts';
import type { Peers } from './peers.ts';
import type { Postgres } from './postgres/postgres.ts';

export interface Hands {
  readonly clock: Clock;
  readonly dcs: Dcs;
  readonly postgres: Postgres;
  readonly guard: GuardLink;
  readonly jobs: JobRunner;
  readonly peers: Peers;
  readonly failsafe: Failsafe;
  readonly configuration: ConfigurationKeeper;
  readonly callbacks: Callbacks;
  /** Slots and positions as last read: a final status keeps the slots. */
  readonly lastStatus: () => ClusterStatus | null;
  /** The role that callbacks are told. */
  readonly role: () => string;
  /** The fence deadline moved, or is no more: the dead-man switch follows. */
  readonly deadlineMoved: (deadlineMs: InstantMs | null) => void;
  readonly note: (level: 'info' | 'warning' | 'error', text: string) => void;
  readonly reloadFile: () => Promise<ControlOutcome>;
  readonly exit: (code: number, message: string) => void;
}

/** The decision that is carried out, as far as it is told with what it sets going. */
type Cause = Pick<Decision, 'rule' | 'because'>;
type Outcome = Pick<ActionResult, 'outcome' | 'why'>;
const done: Outcome = { outcome: 'done', why: null };
const ofDcs = (result: DcsOutcome<unknown>): Outcome =>
  result.kind === 'done' ? done : { outcome: result.kind, why: result.why };
const ofControl = (result: ControlOutcome): Outcome =>
  result.kind === 'done' ? done : { outcome: 'failed', why: result.why };

const guardLimitMs = 500;

/** Carries out actions in order, and stops at the first that did not go as planned: the rest was decided on a world that is no more. */
export async function act(
  actions: readonly Action[],
  cause: Cause,
  hands: Hands,
  answerMs: typeof upkeepAnswerMs = usualAnswerMs,
): Promise<readonly ActionResult[]> {
  const results: ActionResult[] = [];
  let stopped = false;
  for (const action of actions) {
    if (stopped) {
      results.push({ action: action.kind, outcome: 'skipped', why: null, tookMs: 0 });
      continue;
    }
    const sinceMs = hands.clock.now();
    const { cluster } = hands.configuration.settings();
    const budgetMs = answerMs(cluster, hands.dcs.held(), sinceMs);
    const outcome = await guarded(() => one(action, cause, hands, budgetMs));
    results.push({ action: action.kind, ...outcome, tookMs: hands.clock.now() - sinceMs });
    stopped = outcome.outcome !== 'done';
  }
  return results;
}

async function guarded(work: () => Promise<Outcome> | Outcome): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    return { outcome: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}

/** `budgetMs`: how long etcd may take to answer. */
async function one(action: Action, cause: Cause, hands: Hands, budgetMs: number): Promise<Outcome> {
  const { dcs, postgres } = hands;
  switch (action.kind) {
    case 'renewLease': {
      const nowMs = hands.clock.now();
      const { cluster } = hands.configuration.settings();
      const renewalMs = Math.min(budgetMs, etcdAnswerMs(cluster, dcs.held(), nowMs, hands.failsafe.view()));
      const endMs = later(nowMs, renewalMs);
      const result = await dcs.renew(renewalMs);
      if (result.kind === 'unknown' || result.kind === 'unreachable') {
        // Another look at etcd would take as long again, and answers of the members have to come in time, too.
        if (action.orAskPromises === true) hands.failsafe.ask();
        return ofDcs(result);
      }
      if (result.kind !== 'done') return ofDcs(result);
      if (staysDisarmed(hands)) return done;
      const told = await tellGuard(hands);
      if (told.outcome !== 'done' || !(await lowerGuard(hands))) return told;
      // Nothing waits for the long lease any more: the key leaves it with the next renewal, which may as well be now.
      const leftMs = endMs - hands.clock.now();
      const moved = leftMs < 100 ? null : await dcs.renew(leftMs);
      if (moved?.kind === 'refused') return ofDcs(moved);
      return moved?.kind === 'done' ? tellGuard(hands) : done;
    }
    case 'acquireLeaderKey':
      return acquire(action, budgetMs, hands);
    case 'adoptLeaderKey':
      return adopt(action.seen, budgetMs, hands);
    case 'releaseLeaderKey': {
      const result = await dcs.release(finalStatus(action.lsn, hands.lastStatus()), budgetMs);
      if (result.kind === 'done') hands.deadlineMoved(null);
      return ofDcs(result);
    }
    case 'dropLease':
      dcs.drop();
      return done;
    case 'disarmGuard': {
      const result = await hands.guard.disarm(guardLimitMs, { paused: action.paused === true });
      if (result.kind === 'done') hands.deadlineMoved(null);
      return ofControl(result);
    }
    case 'startJob':
      hands.jobs.start(action.job, cause);
      return done;
    case 'cancelJob':
      hands.jobs.cancel(action.why);
      return done;
    case 'askPeers':
      hands.peers.ask(15, 'eager');
      return done;
    case 'askPromises':
      hands.failsafe.ask();
      return done;
    case 'askLeaderLease':
      await dcs.askLeaderLease(budgetMs);
      return done;
    case 'publishMember':
      return ofDcs(await dcs.publishMember(action.member, budgetMs));
    case 'writeStatus':
      return ofDcs(await dcs.putAsLeader('status', writeStatus(action.status), action.term, budgetMs));
    case 'writeHistory':
      return ofDcs(await dcs.putAsLeader('history', writeHistory(action.lines), action.term, budgetMs));
    case 'writeUnfenced':
      return ofDcs(await dcs.putAsLeader('unfenced', action.name, action.term, budgetMs));
    case 'claimInitialize':
      return ofDcs(await dcs.claimInitialize(action.over, budgetMs));
    case 'writeInitialize':
      return ofDcs(await dcs.writeInitialize(action.systemId, action.seenModRevision, budgetMs));
    case 'dropInitialize':
      return ofDcs(await dcs.dropInitialize(action.seenModRevision, budgetMs));
    case 'writeConfig':
      return ofDcs(await dcs.writeConfig(action.text, action.seenModRevision, budgetMs));
    case 'restoreKey':
      return putBack(action, budgetMs, hands);
    case 'clearFailover':
      return ofDcs(await dcs.clearFailover(action.seenModRevision, budgetMs));
    case 'createSlot':
      return ofControl(await postgres.createSlot(action.name, action.logical));
    case 'dropSlot':
      return ofControl(await postgres.dropSlot(action.name, action.why));
    case 'advanceSlot':
      return ofControl(await postgres.advanceSlot(action.name, action.to, action.database));
    case 'tell':
      hands.note(action.level, action.text);
      return done;
    case 'strike':
      // Nobody waits for processes that the kernel holds.
      void postgres.strike((stage) => hands.note('warning', `strike: ${stage}`));
      return done;
    case 'resumeReplay':
      return ofControl(await postgres.resumeReplay());
    case 'applyConfiguration': {
      // The verdict may have begun a job that writes the same files, for another role.
      if (hands.jobs.board().kind === 'busy') return { outcome: 'skipped', why: 'a job is at work' };
      const asked = hands.configuration.reloadAsked();
      const result = await postgres.applyConfiguration(asked, action.synchronousNames);
      if (result.kind === 'done') {
        hands.configuration.applied();
        if (result.changed === true || asked) hands.callbacks.run('on_reload', hands.role());
      }
      return ofControl(result);
    }
    case 'setSynchronousNames': {
      const board = hands.jobs.board();
      if (board.kind === 'busy' && board.job.kind !== 'checkpoint')
        return { outcome: 'skipped', why: 'a job is at work' };
      return ofControl(await postgres.applyConfiguration(action.again === true, action.names));
    }
    case 'writeSync': {
      const text = action.sync === null ? null : writeSync(action.sync);
      return ofDcs(await dcs.writeSync(text, action.seenModRevision, action.term, budgetMs));
    }
    case 'writeFailsafe':
      return ofDcs(await dcs.writeFailsafe(action.members, action.seenModRevision, action.term, budgetMs));
    case 'touchWal':
      return ofControl(await postgres.touchWal());
    case 'reloadFile':
      return ofControl(await hands.reloadFile());
    case 'runCallback':
      hands.callbacks.run(action.event, action.role, { outlives: action.outlives === true });
      return done;
    case 'exit':
      hands.exit(action.code, action.message);
      return done;
    default:
      return action satisfies never;
  }
}

async function putBack(
  { key, text, seenModRevision }: Extract<Action, { kind: 'restoreKey' }>,
  budgetMs: number,
  hands: Hands,
) {
  const put = await hands.dcs.put(key, text, seenModRevision, budgetMs);
  if (put.kind === 'done')
    hands.note('warning', `somebody wrote to ${key} what nobody can read: what stood there before is put back`);
  return ofDcs(put);
}

/** While the cluster is paused a guard that was disarmed stays so; one that is armed still strikes at what it was told last. */
function staysDisarmed({ configuration, guard }: Hands): boolean {
  const view = guard.view();
  return configuration.settings().cluster.pause && view.kind === 'present' && view.armedMs === null;
}

/**
 * No armed guard, no leadership: a key won without one is given back. Not over a PostgreSQL that accepts writes, since
 * that would end the lease that the others wait for: its renewals try again, and guard.missing has the last word.
 */
async function acquire(
  { seenRevision, announce, writesUntilMs }: Extract<Action, { kind: 'acquireLeaderKey' }>,
  budgetMs: number,
  hands: Hands,
): Promise<Outcome> {
  const result = await hands.failsafe.stand(() =>
    hands.dcs.acquire(seenRevision, budgetMs, { announce, writesUntilMs }),
  );
  if (result.kind !== 'done') return ofDcs(result);
  const guard = await tellGuard(hands);
  if (guard.outcome === 'done') return done;
  if (writesUntilMs !== undefined) return { outcome: 'failed', why: `the guard did not arm: ${guard.why}` };
  await hands.dcs.release(null, budgetMs);
  return { outcome: 'failed', why: `the key was won and given back: the guard did not arm: ${guard.why}` };
}

/** The guard is armed first: from then on PostgreSQL ends with the new lease, whatever becomes of the rest. */
async function adopt(seen: LeaderKey, budgetMs: number, hands: Hands): Promise<Outcome> {
  const result = await hands.dcs.adoptKey(
    seen,
    async (wanted) => {
      hands.deadlineMoved(wanted.deadlineMs);
      const armed = await hands.guard.setDeadline(wanted, guardLimitMs);
      return armed.kind === 'done' ? null : `the guard did not arm: ${armed.why}`;
    },
    budgetMs,
  );
  return ofDcs(result);
}

/** The deadline moved: dead-man switch and guardian hear of it, in this order, before anything rests on it. */
async function tellGuard(hands: Hands): Promise<Outcome> {
  const held = hands.dcs.held();
  if (held === null) return { outcome: 'refused', why: 'no lease is held' };
  hands.deadlineMoved(held.deadlineMs);
  return ofControl(await hands.guard.setDeadline(held, guardLimitMs));
}

/**
 * A ttl that was lowered, or a margin that was raised, counts for the loop and the dead-man switch at once; guardian, sentinel and
 * device keep the later deadline until they confirm this one. True: they have, and the key may leave its long lease.
 */
async function lowerGuard({ dcs, guard }: Hands): Promise<boolean> {
  const endMs = dcs.lowersToMs();
  const held = dcs.held();
  if (endMs === null || held === null) return false;
  const lowered = await guard.lowerDeadline(held, endMs, guardLimitMs);
  return lowered.kind === 'done' && dcs.lowered(held.term, held.deadlineMs);
}

const finalStatus = (lsn: Lsn | null, last: ClusterStatus | null): string | null =>
  lsn === null ? null : writeStatus({ optime: lsn, slots: last?.slots ?? {}, retainSlots: last?.retainSlots ?? [] });
