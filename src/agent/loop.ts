import { decide } from '../decide/decide.ts';
import { controlOf, iAmLeader } from '../decide/judge.ts';
import { hasWithdrawn } from '../decide/synchronous/withdrawal.ts';
import { leaseLeftMs } from '../decide/timing.ts';
import type { Snapshot } from '../model/agent.ts';
import type { ActionResult, Decision, SeenBrief } from '../model/decision.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { later, lsnText } from '../model/units.ts';
import type { Clock } from '../model/world.ts';
import { act, type Hands } from './act.ts';
import type { Journal } from './journal.ts';
import { keep } from './keep.ts';
import type { Mailbox } from './mailbox.ts';
import type { Wakes } from './wakes.ts';

export interface LoopParts {
  readonly clock: Clock;
  readonly wakes: Wakes;
  readonly journal: Journal;
  readonly mailbox: Mailbox;
  readonly hands: Hands;
  readonly observe: (memory: Memory) => Promise<Observation>;
  readonly publish: (snapshot: Omit<Snapshot, 'version'>) => void;
  readonly firstMemory: Memory;
  readonly ended: () => boolean;
}

/** Looking again at once after an act is for what the act made visible; bounded, so that two rules can not chase each other. */
const repeatsMax = 5;

/** Observe, decide, act, until the agent ends. A wake carries no work: it only says look again. */
export async function runLoop(parts: LoopParts): Promise<void> {
  const { clock, wakes, journal } = parts;
  let memory = parts.firstMemory;
  let cycle = 0;
  let repeats = 0;
  let reasons: readonly string[] = ['start'];
  let last: Told | null = null;
  let dcsLastSeen: { ms: ReturnType<Clock['now']>; wallMs: number } | null = null;

  while (!parts.ended()) {
    cycle += 1;
    const seen = await parts.observe(memory);
    if (seen.dcs.kind === 'reachable') dcsLastSeen = { ms: seen.dcs.readMs, wallMs: seen.wallMs };
    const decision = decide(seen);
    memory = decision.memory;
    const publish = (): void => {
      const now = { ...seen, memory, held: parts.hands.dcs.held() };
      parts.publish({
        seen: now,
        decision,
        cycle,
        withdrawn: hasWithdrawn(now),
        nextCycleMs: later(clock.now(), decision.wakeInMs),
        dcsLastSeenWallMs: dcsLastSeen?.wallMs ?? null,
        dcsLastSeenMs: dcsLastSeen?.ms ?? null,
      });
    };
    publish();
    const results = await act(decision.actions, decision, parts.hands);
    parts.mailbox.answer(decision.answers);
    const kept = await keep(decision.upkeep, decision, parts.hands, results);
    publish();
    last = tell(journal, cycle, reasons, seen, decision, [...results, ...kept], last);
    const changed = [...results, ...kept].some(
      ({ action, outcome }) => outcome === 'refused' || (outcome !== 'skipped' && worthAnotherLook.has(action)),
    );
    repeats = changed || decision.wakeInMs === 0 ? repeats + 1 : 0;
    const again = repeats > 0 && repeats <= repeatsMax;
    if (parts.ended()) break;
    if (!again) repeats = 0;
    const sleepMs = results.some(isUnproven) ? Math.min(decision.wakeInMs, renewAgainMs) : decision.wakeInMs;
    reasons = again
      ? ['acted']
      : await wakes.next(later(clock.now(), Math.max(sleepMs, repeats > repeatsMax ? 100 : 0)));
  }
}

/** A decision sleeps until the renewal after this one: not when this one proved nothing, or the guard did not hear of it. */
const isUnproven = ({ action, outcome }: ActionResult): boolean => action === 'renewLease' && outcome !== 'done';
const renewAgainMs = 100;

/** Actions that change what the next observation shows. A renewal that went well changes nothing; one that failed must be looked at. */
const worthAnotherLook: ReadonlySet<ActionResult['action']> = new Set([
  'acquireLeaderKey',
  'adoptLeaderKey',
  'releaseLeaderKey',
  'dropLease',
  'writeInitialize',
  'writeConfig',
  'clearFailover',
  'restoreKey',
  'cancelJob',
  'writeSync',
] as const);

interface Told {
  readonly rule: string;
  readonly leaseRule: string;
  readonly brief: string;
  readonly atMs: number;
  readonly seen: SeenBrief;
}

/** Routine that is not worth a line of its own. */
const routine: ReadonlySet<ActionResult['action']> = new Set([
  'renewLease',
  'publishMember',
  'writeStatus',
  'askPeers',
  'askPromises',
  'advanceSlot',
  'tell',
  'askLeaderLease',
] as const);
const repeatEveryMs = 60_000;

/** Records what changed; a decision that repeats itself is recorded once a minute. */
function tell(
  journal: Journal,
  cycle: number,
  wakes: readonly string[],
  seen: Observation,
  decision: Decision,
  results: readonly ActionResult[],
  last: Told | null,
): Told {
  const now = briefOf(seen);
  for (const [what, from, to] of changes(last?.seen ?? null, now)) {
    journal.record({ kind: 'changed', what, from, to, because: [] });
  }
  const worth = results.filter(({ action, outcome }) => !routine.has(action) || outcome !== 'done');
  const brief = worth.map(({ action, outcome }) => `${action}:${outcome}`).join(',');
  const same =
    last !== null &&
    last.rule === decision.rule &&
    sameLease(last.leaseRule, decision.leaseRule) &&
    last.brief === brief;
  if (same && seen.nowMs - last.atMs < repeatEveryMs) return { ...last, seen: now };
  const { rule, leaseRule, reason, because, passed } = decision;
  journal.record({
    kind: 'decided',
    cycle,
    wakes,
    rule,
    leaseRule,
    reason,
    because,
    passed,
    actions: results,
    seen: now,
  });
  return { rule, leaseRule, brief, atMs: seen.nowMs, seen: now };
}

const sameLease = (a: string, b: string): boolean => a === b || (calm.has(a) && calm.has(b));
const calm: ReadonlySet<string> = new Set(['lease.renew', 'lease.hold']);

export function briefOf(seen: Observation): SeenBrief {
  const { postgres } = seen;
  const running = postgres.kind === 'running' ? postgres : null;
  const lsn = running === null ? null : running.role === 'primary' ? running.flushLsn : running.receivedLsn;
  return {
    postgres: running === null ? postgres.kind : `running ${running.role}`,
    timeline: running?.timeline ?? controlOf(postgres)?.timeline ?? null,
    lsn: lsn === null ? null : lsnText(lsn),
    dcs: seen.dcs.kind,
    leader: seen.dcs.kind === 'reachable' ? (seen.dcs.cluster.leader?.name ?? null) : null,
    ...(iAmLeader(seen) && seen.dcs.kind === 'reachable' && seen.dcs.cluster.sync !== null
      ? { synchronous: seen.dcs.cluster.sync.members.join(',') || 'none' }
      : {}),
    leaseLeftMs: seen.held === null ? null : Math.round(leaseLeftMs(seen)),
    guard: seen.guard.kind === 'present' ? (seen.guard.armedMs === null ? 'disarmed' : 'armed') : seen.guard.kind,
    job: seen.jobs.kind === 'busy' ? seen.jobs.job.kind : null,
    ...(seen.health === null ? {} : { health: seen.health.hindrance?.kind ?? 'good' }),
  };
}

function changes(before: SeenBrief | null, now: SeenBrief): readonly (readonly [string, string, string])[] {
  if (before === null) return [];
  const pairs: (readonly [string, string | number | null, string | number | null])[] = [
    ['postgres', before.postgres, now.postgres],
    ['timeline', before.timeline, now.timeline],
    ['etcd', before.dcs, now.dcs],
    ['guard', before.guard, now.guard],
    ['leader', before.dcs === 'reachable' && now.dcs === 'reachable' ? before.leader : now.leader, now.leader],
    ['health', before.health ?? now.health ?? null, now.health ?? before.health ?? null],
    ['synchronous', before.synchronous ?? now.synchronous ?? null, now.synchronous ?? before.synchronous ?? null],
  ];
  return pairs.filter(([, a, b]) => a !== b).map(([what, a, b]) => [what, String(a ?? '-'), String(b ?? '-')] as const);
}
