import type { HeldLease } from '../model/cluster.ts';
import type { Action, Decision, Fact, Verdict } from '../model/decision.ts';
import { needIn } from '../model/need.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { crashesMemory, crashMemory } from './crash.ts';
import { clusterTimeline, controlOf, guardArmed, mayAcceptWrites } from './judge.ts';
import { statusMemory, upstreamMemory } from './leaderEnd.ts';
import { judgeLease } from './lease.ts';
import { unclaimedMemory } from './newborn.ts';
import { repairMemory } from './repair.ts';
import type { Rule } from './rule.ts';
import { overMemory } from './rules/lastReign.ts';
import { forgottenMemory } from './rules/notStreaming.ts';
import { divergenceMemory } from './rules/rejoin.ts';
import { rules } from './rules.ts';
import { standsMemory, vainMemory } from './stuck.ts';
import { renewalDue, renewEveryMs, underLease, untilStopMs } from './timing.ts';
import { tellingNeed } from './upkeep/member.ts';
import { synchronyMemory, wentByMemory } from './upkeep/synchronous.ts';
import { upkeep } from './upkeep.ts';

/** One observation in, one decision out. Total: a rule that throws is named, and the lease layer has spoken before it. */
export function decide(observed: Observation): Decision {
  const seen: Observation = { ...observed, memory: remember(observed) };
  const lease = judgeLease(seen);
  const { rule, verdict, passed } = firstVerdict(seen);
  const kept = verdict.hold === true ? { actions: [], memory: {}, wakeInMs: Number.POSITIVE_INFINITY } : upkeep(seen);
  const memory: Memory = { ...seen.memory, ...kept.memory, ...verdict.memory };
  const renewedByVerdict = verdict.actions.some((action) => action.kind === 'renewLease');
  return {
    rule: rule.name,
    reason: rule.reason,
    because: [...verdict.because, ...(lease.rule === 'lease.none' ? [] : untold(lease.because, verdict.because))],
    leaseRule: lease.rule,
    passed,
    actions: [
      ...lease.actions.filter((action) => action.kind !== 'renewLease' || !renewedByVerdict),
      ...verdict.actions,
    ],
    upkeep: besideJob(verdict.actions, kept.actions).map((action) => tellingNeed(action, needIn(verdict.because))),
    answers: verdict.answers ?? [],
    memory,
    wakeInMs: Math.max(0, Math.min(verdict.wakeInMs ?? Number.POSITIVE_INFINITY, kept.wakeInMs, pulseMs(seen))),
  };
}

/** A job that begins now may write the same files for another role, and be over before the upkeep's turn comes; or stop the server. */
function besideJob(verdict: readonly Action[], kept: readonly Action[]): readonly Action[] {
  const begun = verdict.find((action) => action.kind === 'startJob');
  if (begun === undefined) return kept;
  const stops = begun.job.kind === 'copySlots';
  // A server that begins anew goes by the list that was decided with its job: /sync does not grow beside it.
  const lists = begun.job.kind !== 'checkpoint';
  return kept.filter(
    ({ kind }) => !writesFiles.has(kind) && !(stops && ofSlots.has(kind)) && !(lists && kind === 'writeSync'),
  );
}
const ofSlots: ReadonlySet<Action['kind']> = new Set(['createSlot', 'dropSlot', 'advanceSlot'] as const);
const writesFiles: ReadonlySet<Action['kind']> = new Set(['applyConfiguration', 'setSynchronousNames'] as const);

const untold = (facts: readonly Fact[], told: readonly Fact[]): readonly Fact[] =>
  facts.filter(([name]) => !told.some(([other]) => other === name));

function firstVerdict(seen: Observation): { rule: Rule; verdict: Verdict; passed: readonly string[] } {
  const passed: string[] = [];
  for (const rule of rules) {
    try {
      const verdict = rule.judge(seen);
      if (verdict !== undefined) return { rule, verdict, passed };
    } catch (error) {
      // A rule's bug must hide neither the lease nor the rules behind it.
      passed.push(`${rule.name} (threw: ${String(error)})`);
      continue;
    }
    passed.push(rule.name);
  }
  return { rule: silent, verdict: { actions: [], because: [] }, passed };
}

/** Everything that the rules have to say of it, in their order, also behind the one that decides. */
export function allVerdicts(observed: Observation): readonly { readonly rule: Rule; readonly verdict: Verdict }[] {
  const seen: Observation = { ...observed, memory: remember(observed) };
  return rules.flatMap((rule) => {
    try {
      const verdict = rule.judge(seen);
      return verdict === undefined ? [] : [{ rule, verdict }];
    } catch {
      return []; // as when it is asked in turn
    }
  });
}

const silent: Rule = { name: 'none', reason: 'no rule applies', judge: () => undefined };

/** How long to sleep when nothing happens: loop_wait, less while a lease must be renewed or etcd is away. */
function pulseMs(seen: Observation): number {
  const { loopWaitMs, retryTimeoutMs } = seen.settings.cluster;
  if (seen.dcs.kind === 'unreachable') {
    if (!mayAcceptWrites(seen.postgres)) return Math.min(loopWaitMs, retryTimeoutMs, 1_000);
    const leftMs = seen.held === null ? 0 : untilStopMs(seen.held, seen.nowMs, seen.settings.cluster);
    return Math.min(loopWaitMs, retryTimeoutMs, 300, leftMs > 0 ? Math.ceil(leftMs) : 300);
  }
  return seen.held === null ? loopWaitMs : Math.min(loopWaitMs, Math.max(100, renewInMs(seen, seen.held)));
}

/** Counted from the renewal that this decision asks for, or from the last one. The loop looks again soon when it fails. */
const renewInMs = (seen: Observation, held: HeldLease): number =>
  renewEveryMs(underLease(seen.settings.cluster, held)) - (renewalDue(held, seen) ? 0 : seen.nowMs - held.sentMs);

/** What is remembered whatever rule answers. */
function remember(seen: Observation): Memory {
  const { memory, postgres } = seen;
  const running = postgres.kind === 'running' ? postgres : null;
  const highest = clusterTimeline(seen);
  const control = controlOf(postgres);
  const mine = running?.timeline ?? null;
  const unguarded = seen.held !== null && !guardArmed(seen) && !seen.settings.cluster.pause;
  const unleased = mayAcceptWrites(postgres) && seen.held === null;
  return {
    ...memory,
    lastRole: running?.role ?? memory.lastRole,
    clusterTimeline:
      seen.held !== null && mine !== null && control !== null && (highest === null || mine > highest) ? mine : highest,
    forgottenTimeline: forgottenMemory(seen),
    systemId: identityMemory(seen),
    repair: repairMemory(seen),
    vain: vainMemory(seen),
    replayStands: standsMemory(seen),
    unreadableSinceMs: postgres.kind === 'unreadable' ? (memory.unreadableSinceMs ?? seen.nowMs) : null,
    divergence: divergenceMemory(seen),
    crash: crashMemory(seen),
    crashes: crashesMemory(seen),
    statusSeen: statusMemory(seen),
    upstreamEnd: upstreamMemory(seen),
    overSinceMs: overMemory(seen),
    unleasedSinceMs: unleased ? (memory.unleasedSinceMs ?? seen.nowMs) : null,
    unclaimedSinceMs: unclaimedMemory(seen),
    unguardedSinceMs: unguarded ? (memory.unguardedSinceMs ?? seen.nowMs) : null,
    synchrony: synchronyMemory(seen),
    wentBy: wentByMemory(seen),
    wasPaused: seen.settings.cluster.pause,
  };
}

function identityMemory({ dcs, memory }: Observation): string | null {
  const initialize = dcs.kind === 'reachable' ? dcs.cluster.initialize : null;
  return initialize?.kind === 'done' ? initialize.systemId : memory.systemId;
}

/** What an agent that just began remembers: nothing. */
export const blankMemory: Memory = {
  lastRole: null,
  crash: null,
  crashes: [],
  statusSeen: null,
  upstreamEnd: null,
  turns: [],
  overSinceMs: null,
  startingSinceMs: null,
  clusterTimeline: null,
  forgottenTimeline: null,
  systemId: null,
  divergence: null,
  repair: null,
  vain: null,
  replayStands: null,
  unreadableSinceMs: null,
  stepDown: null,
  noRaceBeforeMs: null,
  scheduledRestart: null,
  slotsSeen: {},
  unknownSlots: {},
  slotLooks: [],
  slotAlarms: [],
  slotProofs: {},
  unleasedSinceMs: null,
  notStreamingSinceMs: null,
  callbackRole: null,
  toldRestartMs: null,
  unclaimedSinceMs: null,
  unguardedSinceMs: null,
  synchrony: null,
  wentBy: null,
  hung: null,
  wasPaused: false,
};
