import type { RuleTexts } from '../model/moment.ts';
import type { Rule } from './rule.ts';
import { askedRules, stopRules } from './rules/asked.ts';
import { bootstrapRules } from './rules/bootstrap.ts';
import { crashedRules, handOverRules, startRules } from './rules/crashed.ts';
import { dataRules } from './rules/data.ts';
import { hungRules } from './rules/hung.ts';
import { leadingRules, promotedRules } from './rules/leading.ts';
import { pausedRules } from './rules/paused.ts';
import { raceRules } from './rules/race.ts';
import { restartRules } from './rules/restart.ts';
import { safetyRules } from './rules/safety.ts';
import { standbyRules } from './rules/standby.ts';
import { standbyClusterRules } from './rules/standbyCluster.ts';
import { stoppingRules } from './rules/stopping.ts';
import { waitingRules } from './rules/waiting.ts';

/** The HA logic, whole: the first rule that answers decides. The order is the contract. */
export const rules: readonly Rule[] = [
  ...safetyRules, // the right to write, and whose data this is
  ...bootstrapRules, // a cluster that is being born has no lease yet
  ...stopRules, // the agent ends: before anything new is begun
  ...askedRules, // what people asked of this node
  ...restartRules,
  ...startRules, // a start that takes too long
  ...hungRules, // a primary on which nothing becomes durable any more
  ...waitingRules, // a job is at work
  ...dataRules, // no data, half data, no identity
  ...handOverRules, // this node stepped down, and has the last word
  ...pausedRules, // people are at work
  ...standbyClusterRules, // the primary is elsewhere
  ...promotedRules, // a promotion that failed
  ...crashedRules, // PostgreSQL is down and I hold the key
  ...stoppingRules, // somebody else stops it
  ...leadingRules, // I hold the key
  ...raceRules, // nobody holds it
  ...standbyRules, // somebody else does, or nobody knows
];

export const ruleTexts: RuleTexts = new Map(rules.map(({ name, reason }) => [name, reason]));
