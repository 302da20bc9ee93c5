import { upkeepAnswerMs } from '../decide/timing.ts';
import type { Action, ActionResult, Decision } from '../model/decision.ts';
import { act, type Hands } from './act.ts';

/**
 * Upkeep: each for itself, after what was decided. Where etcd gave no answer it is not waited for again in this cycle: the next
 * look, which has to come in time for the lease, tells whether it is away.
 */
export async function keep(
  actions: readonly Action[],
  cause: Pick<Decision, 'rule' | 'because'>,
  hands: Hands,
  acted: readonly ActionResult[],
): Promise<readonly ActionResult[]> {
  const results: ActionResult[] = [];
  let isSilent = acted.some(gotNoAnswer);
  for (const action of actions) {
    if (isSilent && asksEtcd.has(action.kind)) {
      results.push({ action: action.kind, outcome: 'skipped', why: 'etcd gave no answer just before', tookMs: 0 });
      continue;
    }
    const done = await act([action], cause, hands, upkeepAnswerMs);
    isSilent ||= done.some(gotNoAnswer);
    results.push(...done);
  }
  return results;
}

const gotNoAnswer = ({ outcome }: ActionResult): boolean => outcome === 'unreachable' || outcome === 'unknown';
const asksEtcd: ReadonlySet<Action['kind']> = new Set([
  'askLeaderLease',
  'claimInitialize',
  'clearFailover',
  'dropInitialize',
  'publishMember',
  'restoreKey',
  'writeConfig',
  'writeFailsafe',
  'writeHistory',
  'writeInitialize',
  'writeStatus',
  'writeSync',
  'writeUnfenced',
] as const);
