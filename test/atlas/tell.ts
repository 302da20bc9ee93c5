import type { Action, Decision } from '../../src/model/decision.ts';
import type { Job, Premise, StopBudget } from '../../src/model/job.ts';
import type { Memory, Observation } from '../../src/model/observation.ts';
import type { Upstream } from '../../src/model/postgres.ts';
import { lsnText } from '../../src/model/units.ts';

/** What the rules say, as one text: rule, what is done, what it waits for. The lease layer is asked first, and has its own chapter. */
export function tell(seen: Observation, decision: Decision): string {
  const actions = decision.actions.filter(isOfVerdict(decision)).map((action) => actionText(seen, action));
  const kept = decision.upkeep.filter(isOfSafety).map((action) => `then ${actionText(seen, action)}`);
  const answers = decision.answers.map(({ kind }) => `answer ${kind}`);
  const remembered = memories.filter((key) => isNews(seen.memory, decision.memory, key)).map((key) => `note ${key}`);
  const facts = decision.because.filter(([name]) => told.includes(name)).map(([name, value]) => `${name} ${value}`);
  const done = [...actions, ...kept, ...answers, ...remembered].join(', ') || 'nothing';
  return `${decision.rule}: ${done}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

/** What the lease layer says. */
export function tellLease(_: Observation, decision: Decision): string {
  const own = decision.actions.filter((action) => !isOfVerdict(decision)(action)).map(({ kind }) => kind);
  return `${decision.leaseRule}: ${own.join(', ') || 'nothing'}`;
}

/** A renewal that both ask for is told as the lease layer's. */
const isOfVerdict =
  ({ leaseRule }: Decision) =>
  ({ kind }: Action): boolean =>
    kind !== 'dropLease' && kind !== 'askPromises' && (kind !== 'renewLease' || leaseRule !== 'lease.renew');

/** The facts that tell apart what one rule does; times and positions are left out. */
const told: readonly string[] = ['waitsFor', 'step', 'asStandby', 'nextAttemptInMs', 'refused', 'outcome'];

/** What a verdict leaves for the next one, where that decides who may lead. */
const memories = ['stepDown', 'noRaceBeforeMs', 'turns'] as const;
const isNews = (before: Memory, now: Memory, key: keyof Memory): boolean =>
  now[key] !== null &&
  now[key] !== before[key] &&
  JSON.stringify(now[key], plain) !== JSON.stringify(before[key], plain);
const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** The upkeep goes on whatever is decided: told is only what a lease rests on. */
const isOfSafety = ({ kind }: Action): boolean => kind === 'disarmGuard' || kind === 'writeUnfenced';

function actionText(seen: Observation, action: Action): string {
  switch (action.kind) {
    case 'startJob':
      return jobText(seen, action.job);
    case 'acquireLeaderKey':
      return `acquireLeaderKey${action.announce === undefined ? '' : ` for timeline ${action.announce}`}${action.writesUntilMs === undefined ? '' : ' over a primary'}`;
    case 'releaseLeaderKey':
      return `releaseLeaderKey ${action.lsn === null ? 'without position' : `at ${lsnText(action.lsn)}`}`;
    case 'claimInitialize':
      return `claimInitialize${action.over === null ? '' : ' over a claim'}`;
    case 'writeInitialize':
      return `writeInitialize${action.seenModRevision === null ? '' : ' over what is there'}`;
    case 'writeUnfenced':
      return `writeUnfenced ${action.name}`;
    case 'disarmGuard':
      return `disarmGuard${action.paused === true ? ' over a primary' : ''}`;
    case 'exit':
      return `exit ${action.code}`;
    default:
      return action.kind;
  }
}

function jobText(seen: Observation, job: Job): string {
  switch (job.kind) {
    case 'stop':
      return `stop ${job.mode}${job.checkpointFirst ? ' after a checkpoint' : ''}${budgetText(seen, job.budget)}${(job.successors ?? []).length > 0 ? ` for ${job.successors?.join(' ')}` : ''}`;
    case 'clone':
    case 'copySlots':
    case 'rewind':
      return `${job.kind}${sourceText(job.from)}${premiseText(job.premise)}`;
    case 'checkDivergence':
      return `${job.kind}${sourceText(job.from)}`;
    case 'startStandby':
    case 'follow':
      return `${job.kind}${sourceText(job.upstream)}`;
    case 'startPrimary':
      return `${job.kind}${premiseText(job.premise)}`;
    case 'restart':
      return `restart as ${job.as}${sourceText(job.upstream)}${premiseText(job.premise)}`;
    case 'promote':
      return `promote above timeline ${job.taken}${premiseText(job.premise)}`;
    case 'removeData':
      return `removeData${job.force ? '' : ' unforced'}${job.leader === null ? '' : ` once ${job.leader.member} answers as primary`}${premiseText(job.premise)}`;
    case 'bootstrap':
    case 'checkpoint':
    case 'crashRecovery':
    case 'clearOrphans':
      return job.kind;
    default:
      return job satisfies never;
  }
}

const sourceText = (upstream: Upstream | null): string => (upstream === null ? '' : ` from ${upstream.member}`);
const premiseText = ({ term, leader }: Premise): string => (term === null ? '' : ` if ${leader} leads in ${term}`);

function budgetText(seen: Observation, { immediateAtMs, killAtMs }: StopBudget): string {
  const inMs = (atMs: number | null): string => (atMs === null ? 'never' : String(Math.round(atMs - seen.nowMs)));
  return immediateAtMs === null && killAtMs === null
    ? ''
    : ` (immediate in ${inMs(immediateAtMs)}, kill in ${inMs(killAtMs)} ms)`;
}
