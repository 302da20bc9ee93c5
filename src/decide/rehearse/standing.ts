import type { Cluster } from '../../model/cluster.ts';
import type { Decision } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import type { Objection, Standing } from '../../model/rehearsal.ts';
import { lsnText } from '../../model/units.ts';
import { allVerdicts, decide } from '../decide.ts';
import { me } from '../judge.ts';
import { raceRules } from '../rules/race.ts';
import { turnRules } from '../rules/turns.ts';
import { withoutAnswer } from './etcd.ts';
import { asSeenBy, leaderPosition, saidBy, standbyOf } from './imagine.ts';
import { type Ended, takesKey } from './race.ts';

/** How a member stands: what the rules say of its last look, and which of them say nothing. */

/** `stuck`: what the winner decides where that is no promotion. */
export function standingOf(
  seen: Observation,
  cluster: Cluster,
  name: string,
  { winners, last }: Ended,
  stuck: Decision | null,
): Standing {
  const look = last.get(name);
  const standby = standbyOf(seen, name);
  const at = leaderPosition(seen, cluster)?.at ?? null;
  if (look === undefined || typeof standby === 'string') {
    const reason = typeof standby === 'string' ? standby : 'it was not asked';
    const verdict = name !== me(seen) && saidBy(seen, name) === null ? 'unknown' : 'mayNot';
    return {
      name,
      verdict,
      objections: [{ rule: null, reason, because: [] }],
      passed: [],
      position: null,
      behindBytes: null,
    };
  }
  const isFirst = winners[0] === name;
  const spoken = allVerdicts(look.seen);
  const objections =
    isFirst && stuck !== null
      ? [{ rule: stuck.rule, reason: stuck.reason, because: stuck.because }]
      : objectionsIn(spoken);
  return {
    name,
    verdict: isFirst && stuck === null ? 'takesOver' : verdictOf(objections),
    objections,
    passed: raceRules.filter((rule) => !spoken.some((one) => one.rule === rule)).map((rule) => rule.name),
    position: lsnText(standby.receivedLsn),
    behindBytes: at === null ? null : at > standby.receivedLsn ? at - standby.receivedLsn : 0n,
  };
}

function verdictOf(objections: readonly Objection[]): Standing['verdict'] {
  if (objections.length === 0) return 'couldTakeOver';
  return objections.every(({ rule }) => turnRules.some(({ name }) => name === rule)) ? 'goesLater' : 'mayNot';
}

/** What answers before the rule that takes the key; what comes behind that one has no say in it. */
function objectionsIn(spoken: ReturnType<typeof allVerdicts>): readonly Objection[] {
  const end = spoken.findIndex(({ verdict }) => takesKey(verdict));
  return (end < 0 ? spoken.slice(0, 1) : spoken.slice(0, end)).map(({ rule, verdict }) => ({
    rule: rule.name,
    reason: rule.reason,
    because: verdict.because,
  }));
}

export function whyNobody(members: readonly Standing[]): string {
  if (members.length === 0) return 'no other member is left';
  const first = members.map(({ name, objections }) => ({ name, reason: objections[0]?.reason ?? 'it waits' }));
  const reasons = new Set(first.map(({ reason }) => reason));
  if (reasons.size === 1) return first[0]?.reason ?? '';
  return first.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
}

export function standingWithoutEtcd(seen: Observation, cluster: Cluster, name: string): Standing {
  const none = { name, passed: [], position: null, behindBytes: null };
  if (name === cluster.leader?.name) return { ...none, verdict: 'leads', objections: [] };
  const standby = standbyOf(seen, name);
  if (typeof standby === 'string')
    return { ...none, verdict: 'mayNot', objections: [{ rule: null, reason: standby, because: [] }] };
  const { rule, reason, because } = decide({ ...asSeenBy(seen, name, standby), dcs: withoutAnswer(seen) });
  const position = lsnText(standby.receivedLsn);
  return { ...none, position, verdict: 'mayNot', objections: [{ rule, reason, because }] };
}
