import type { History, Promotion, Right, SharedMs, Write } from '../history.ts';
import type { Violation } from '../laws.ts';
import { pairs } from './reigns.ts';

/** Laws 1 (terms), 3 and 4: who may lead, against who promoted and who wrote. Without rights observed, nothing is judged. */
export function judgeRights(history: History, fenceMs: number): readonly Violation[] {
  const rights = history.filter((seen): seen is Right => seen.kind === 'right').sort((a, b) => a.fromMs - b.fromMs);
  if (rights.length === 0) return [];
  const promotions = history.filter((seen): seen is Promotion => seen.kind === 'promotion');
  return [
    ...pairs(rights).flatMap(([a, b]) => judgeTerms(a, b)),
    ...promotions.flatMap((promotion) => judgePromotion(promotion, rights, fenceMs)),
    ...rights.filter(outlivesLease).map((right) => ({ law: 4, kind: 'rightOutlivesLease', right }) as const),
    ...judgeWrites(history, rights, fenceMs),
  ];
}

/** Whole milliseconds: what is less is the rounding of clocks. */
const outlivesLease = ({ beyondLeaseMs = 0 }: Right): boolean => beyondLeaseMs >= 1;

/** `a` began first. Several rights of one node in one term are one reign seen in pieces. */
function judgeTerms(a: Right, b: Right): readonly Violation[] {
  const [earlier, later] = [BigInt(a.term), BigInt(b.term)];
  if (a.node !== b.node && earlier === later) return [{ law: 1, kind: 'termShared', rights: [a, b] }];
  if (later < earlier) return [{ law: 1, kind: 'termFell', rights: [a, b] }];
  const overlapMs = Math.min(a.untilMs, b.untilMs) - b.fromMs;
  return a.node !== b.node && overlapMs > 0 ? [{ law: 1, kind: 'rightsOverlap', rights: [a, b], overlapMs }] : [];
}

/**
 * One that was told to under its right, and stood still, may come to it behind the end of that: as with a write, until a guard
 * must have ended it; and only while nobody else has the right.
 */
function judgePromotion(promotion: Promotion, rights: readonly Right[], fenceMs: number): readonly Violation[] {
  const { node, term, atMs, toldMs } = promotion;
  const isIn = ({ fromMs, untilMs }: Right, ms: SharedMs): boolean => fromMs <= ms && ms < untilMs;
  const othersRight = rights.some((right) => right.node !== node && isIn(right, atMs));
  const held = rights.some(
    (right) =>
      right.node === node &&
      (term === null || term === right.term) &&
      (isIn(right, atMs) ||
        (toldMs !== undefined &&
          !othersRight &&
          isIn(right, toldMs) &&
          atMs <= right.untilMs + (right.fenceMs ?? fenceMs))),
  );
  return [
    ...(held ? [] : [{ law: 3, kind: 'promotedWithoutLease', promotion } as const]),
    ...((promotion.tooShortMs ?? 0) > 0 ? [{ law: 3, kind: 'promotedTooLate', promotion } as const] : []),
    ...(promotion.ineligible === null ? [] : [{ law: 3, kind: 'promotedIneligible', promotion } as const]),
  ];
}

/** Law 4. One violation a node and a right gone by: the latest write tells how long it went on. */
function judgeWrites(history: History, rights: readonly Right[], fenceMs: number): readonly Violation[] {
  const latest = new Map<string, Extract<Violation, { kind: 'wroteWithoutRight' }>>();
  for (const write of history) {
    if (write.kind !== 'write' || write.outcome !== 'acknowledged') continue;
    if (write.node === null || write.serverMs === null) continue;
    const lateness = latenessOf(write.node, write.serverMs, rights, fenceMs);
    if (lateness.kind === 'lawful') continue;
    const name = `${write.node} ${lateness.endedMs}`;
    const before = latest.get(name);
    const worse = before === undefined || write.serverMs > (before.write.serverMs ?? 0);
    latest.set(name, {
      law: 4,
      kind: 'wroteWithoutRight',
      node: write.node,
      write: worse ? write : before.write,
      writes: (before?.writes ?? 0) + 1,
      lateMs: worse ? lateness.lateMs : before.lateMs,
    });
  }
  return [...latest.values()];
}

type Lateness =
  | { readonly kind: 'lawful' }
  | { readonly kind: 'late'; readonly lateMs: number | null; readonly endedMs: number | null };

function latenessOf(
  node: string,
  serverMs: NonNullable<Write['serverMs']>,
  rights: readonly Right[],
  fenceMs: number,
): Lateness {
  const begun = rights.filter((right) => right.node === node && right.fromMs <= serverMs);
  if (begun.length === 0) return { kind: 'late', lateMs: null, endedMs: null };
  const last = begun.reduce((a, b) => (b.untilMs > a.untilMs ? b : a));
  const lateMs = serverMs - last.untilMs;
  return lateMs > (last.fenceMs ?? fenceMs) ? { kind: 'late', lateMs, endedMs: last.untilMs } : { kind: 'lawful' };
}
