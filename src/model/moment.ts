import type { ActionResult, Fact, SeenBrief } from './decision.ts';
import type { Objection } from './rehearsal.ts';

/** A decision that stays the same is written down this often: an agent that is silent for longer was not at work. */
const silentAfterMs = 90_000;

/** What was in force at a moment of a journal, and what came after it. */
export interface Moment<E> {
  readonly decided: E;
  readonly ageMs: number;
  /** An agent at work would have decided again by then. */
  readonly silent: boolean;
  /** Between the decision and the moment. */
  readonly since: readonly E[];
  /** The decision after the moment. */
  readonly next: E | null;
}

/** Null: nothing was decided yet, as far as the entries reach. The oldest come first. */
export function momentOf<E extends { readonly kind: string; readonly wall: string }>(
  entries: readonly E[],
  atMs: number,
): Moment<E> | null {
  const isDue = (entry: E): boolean => Date.parse(entry.wall) <= atMs;
  const index = entries.findLastIndex((entry) => entry.kind === 'decided' && isDue(entry));
  const decided = entries[index];
  if (decided === undefined) return null;
  const after = entries.slice(index + 1);
  const ageMs = atMs - Date.parse(decided.wall);
  return {
    decided,
    ageMs,
    silent: ageMs > silentAfterMs,
    since: after.filter(isDue),
    next: after.find((entry) => entry.kind === 'decided' && !isDue(entry)) ?? null,
  };
}

/** What each rule says when it is the case, by its name. */
export type RuleTexts = ReadonlyMap<string, string>;

/** A node's moment, as the live page shows it: plain data, it travels as JSON. */
export interface ToldMoment {
  readonly node: string;
  /** Null: nothing was decided then; `beginsWall` says from when on something was. */
  readonly decided: ToldDecision | null;
  readonly ageMs: number;
  readonly silent: boolean;
  readonly next: Pick<ToldDecision, 'wall' | 'rule' | 'reason'> | null;
  /** Null: there is no journal. */
  readonly beginsWall: string | null;
}

export interface ToldDecision {
  readonly wall: string;
  readonly rule: string;
  readonly reason: string;
  readonly because: readonly Fact[];
  readonly did: readonly ActionResult[];
  readonly seen: SeenBrief;
  /** The rules that were asked before, in their order, each with what it would have said. */
  readonly passed: readonly { readonly rule: string; readonly reason: string }[];
}

/** What keeps a member from being promoted, if the leader went now; from an agent's rehearsal. */
export interface WhyNot {
  readonly name: string;
  readonly leader: string | null;
  /** What would happen, in a sentence. */
  readonly answer: string;
  /** Null: it leads. */
  readonly standing: {
    readonly verdict: string;
    readonly position: string | null;
    readonly behindBytes: number | null;
    readonly against: readonly Objection[];
    /** The rules of the race that have nothing against it. */
    readonly passed: readonly string[];
  } | null;
  /** Whose decision core played it, and how old its look is. */
  readonly seenBy: string;
  readonly ageMs: number;
}
