import type { Confirmation, Erasure, Exposure, History, Promotion, Right, SharedMs, Write } from './history.ts';
import { judgeAppends, type LossBound } from './laws/appends.ts';
import { judgeErasures } from './laws/erasures.ts';
import { judgeReigns } from './laws/reigns.ts';
import { judgeRights } from './laws/rights.ts';

export type { LossBound } from './laws/appends.ts';
export { countAppends } from './laws/appends.ts';

/** All acknowledged writes of one node on one timeline. A node that leads again does so on a new timeline. */
export interface Reign {
  readonly node: string;
  readonly timeline: number | null;
  readonly writes: number;
  /** Server clock inside the first and the last acknowledged statement. */
  readonly firstMs: SharedMs;
  readonly lastMs: SharedMs;
  /** When the client held the last acknowledgement: the acknowledging itself lies between lastMs and this. */
  readonly lastHeardMs: SharedMs;
}

/** A broken law, with the facts that show it. The numbers are those of the design. */
export type Violation =
  | {
      readonly law: 1;
      readonly kind: 'splitBrain';
      readonly reigns: readonly [Reign, Reign];
      /** From the later start to the earlier end of the two reigns, by server clock. */
      readonly overlapMs: number;
    }
  | { readonly law: 1; readonly kind: 'termShared'; readonly rights: readonly [Right, Right] }
  | { readonly law: 1; readonly kind: 'termFell'; readonly rights: readonly [Right, Right] }
  | {
      readonly law: 1;
      readonly kind: 'rightsOverlap';
      readonly rights: readonly [Right, Right];
      readonly overlapMs: number;
    }
  | { readonly law: 2; readonly kind: 'lost'; readonly write: Write; readonly why: string }
  | { readonly law: 2; readonly kind: 'doubled'; readonly key: string; readonly value: number; readonly times: number }
  /** `write` was acknowledged before `after` was sent, and yet stands behind it. */
  | { readonly law: 2; readonly kind: 'reordered'; readonly write: Write; readonly after: Write }
  | { readonly law: 2; readonly kind: 'invented'; readonly key: string; readonly value: number; readonly why: string }
  | { readonly law: 2; readonly kind: 'otherSystem'; readonly systemIds: readonly string[] }
  | { readonly law: 2; readonly kind: 'exposed'; readonly exposure: Exposure }
  | { readonly law: 3; readonly kind: 'promotedWithoutLease'; readonly promotion: Promotion }
  | { readonly law: 3; readonly kind: 'promotedIneligible'; readonly promotion: Promotion }
  | { readonly law: 3; readonly kind: 'promotedTooLate'; readonly promotion: Promotion }
  | {
      readonly law: 4;
      readonly kind: 'wroteWithoutRight';
      readonly node: string;
      /** The latest such write, and how many there were. */
      readonly write: Write;
      readonly writes: number;
      /** How long after the end of the node's last right; null: it had none before. */
      readonly lateMs: number | null;
    }
  /** Its deadline was later than its lease allows: the margin, or more, is used up before any clock runs wrong. */
  | { readonly law: 4; readonly kind: 'rightOutlivesLease'; readonly right: Right }
  | { readonly law: 5; readonly kind: 'confirmedWithdrawn'; readonly confirmation: Confirmation }
  | { readonly law: 6; readonly kind: 'erasedWithoutLeader'; readonly erasure: Erasure };

export interface LawOptions {
  /** How long after its right to lead ended a guarded node may still be writing. */
  readonly fenceMs: number;
  readonly loss: LossBound;
}

/**
 * Judges laws 1 to 6 over a history. Laws 3 and 4 need rights in it, law 2 holdings, law 5 confirmations, law 6 erasures: what
 * was not observed is not judged. Unknown commits are neither lost nor failed: they may be there or not.
 */
export function judge(history: History, options: LawOptions): readonly Violation[] {
  return [
    ...judgeReigns(history),
    ...judgeAppends(history, options.loss),
    ...judgeRights(history, options.fenceMs),
    ...judgeErasures(history),
    ...history.flatMap((seen): readonly Violation[] =>
      seen.kind === 'exposure'
        ? [{ law: 2, kind: 'exposed', exposure: seen }]
        : seen.kind === 'confirmation'
          ? [{ law: 5, kind: 'confirmedWithdrawn', confirmation: seen }]
          : [],
    ),
  ];
}

/** Laws that a history of real machines can be judged by: those for which it was watched at all. */
export function judgedLaws(history: History): readonly number[] {
  const has = (...kinds: readonly History[number]['kind'][]): boolean =>
    history.some(({ kind }) => kinds.includes(kind));
  const needs = { 1: has('write', 'right'), 2: has('holding'), 3: has('right'), 4: has('right') };
  return Object.entries(needs).flatMap(([law, seen]) => (seen ? [Number(law)] : []));
}
