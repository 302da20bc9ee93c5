import type { Entry } from '../../model/decision.ts';
import { momentOf, type RuleTexts, type ToldDecision, type ToldMoment, type WhyNot } from '../../model/moment.ts';
import type { Rehearsal } from '../../model/rehearsal.ts';
import { sentenceOf, verdicts } from './rehearsal.ts';

/** A moment of a node's journal for the live page. */
export function toldMoment(node: string, entries: readonly Entry[], atMs: number, rules: RuleTexts): ToldMoment {
  const moment = momentOf(entries, atMs);
  const nothing = { node, decided: null, ageMs: 0, silent: false, next: null, beginsWall: entries[0]?.wall ?? null };
  if (moment === null || moment.decided.kind !== 'decided') return nothing;
  const { decided, ageMs, silent, next } = moment;
  const { wall, rule, reason, because, actions, seen, passed } = decided;
  const told: ToldDecision = {
    wall,
    rule,
    reason,
    because,
    did: actions,
    seen,
    passed: passed.map((name) => ({ rule: name, reason: rules.get(name) ?? '' })),
  };
  const after = next?.kind === 'decided' ? { wall: next.wall, rule: next.rule, reason: next.reason } : null;
  return { ...nothing, decided: told, ageMs, silent, next: after };
}

/** How a member stands in the rehearsal of the leader's death. Null: it is no member. `by`: whose look it is made from. */
export function whyNotOf(
  answer: Rehearsal,
  name: string,
  by: { readonly name: string; readonly ageMs: number },
): WhyNot | null {
  const { leader, members } = answer;
  const standing = members.find((member) => member.name === name) ?? null;
  if (standing === null && leader !== name) return null;
  const told = { name, leader, answer: sentenceOf(answer), seenBy: by.name, ageMs: Math.round(by.ageMs) };
  if (standing === null) return { ...told, standing: null };
  const { verdict, position, behindBytes, objections, passed } = standing;
  const behind = behindBytes === null ? null : Number(behindBytes);
  return {
    ...told,
    standing: { verdict: verdicts[verdict], position, behindBytes: behind, against: objections, passed },
  };
}
