import type { History, Lapse, Right, SharedMs, Write } from '../history.ts';
import type { Violation } from '../laws.ts';

/**
 * The laws assume that a guard runs. Where none did when a right to lead ended, PostgreSQL may have gone on, and nothing on
 * that node could have ended it: what is broken then is the assumption. It is told as that, with how long it was open, and
 * nothing outside of that time is excused by it.
 */
export interface BrokenAssumption {
  readonly node: string;
  /** `rolledBack`: guards ran, and the disk no longer had what it had said to have. */
  readonly how: Lapse['how'] | 'rolledBack';
  /** When no guard ran. */
  readonly fromMs: SharedMs;
  readonly untilMs: SharedMs;
  /** What is excused: from the end of the right to lead until the guards that ran again had had their time. */
  readonly window: { readonly fromMs: SharedMs; readonly untilMs: SharedMs };
  /** Writes that the node acknowledged in the window. */
  readonly writes: number;
  /** How long it did so beside another node; 0 too when it was one write. */
  readonly twoPrimariesMs: number;
  readonly excused: readonly Violation[];
}

/** Violations that stand, and what came of lapses. `fenceMs`: what the slowest guard has after a deadline. */
export function setApart(
  violations: readonly Violation[],
  history: History,
  fenceMs: number,
): { readonly standing: readonly Violation[]; readonly broken: readonly BrokenAssumption[] } {
  const open = windowsOf(history, fenceMs);
  const excusedBy = new Map(open.map((one) => [one, [] as Violation[]]));
  const standing = violations.filter((violation) => {
    const by = open.find((one) => excuses(one, violation));
    if (by !== undefined) excusedBy.get(by)?.push(violation);
    return by === undefined;
  });
  const broken = open.map((one): BrokenAssumption => {
    const excused = excusedBy.get(one) ?? [];
    const times = history.flatMap((seen) => (isInside(seen, [one]) && seen.serverMs !== null ? [seen.serverMs] : []));
    return { ...one, writes: times.length, twoPrimariesMs: besideMs(one.node, times, excused), excused };
  });
  return { standing, broken };
}

/** For how long it wrote beside another. Its reign lasts over a standstill in which it wrote nothing: that is not counted. */
function besideMs(node: string, timesMs: readonly SharedMs[], excused: readonly Violation[]): number {
  const [first, last] = [Math.min(...timesMs), Math.max(...timesMs)];
  const each = excused.flatMap((violation) => {
    const other = violation.kind === 'splitBrain' ? violation.reigns.find((reign) => reign.node !== node) : undefined;
    return other === undefined ? [] : [Math.min(last, other.lastMs) - Math.max(first, other.firstMs)];
  });
  return Math.max(0, ...each);
}

type Open = Pick<BrokenAssumption, 'node' | 'fromMs' | 'untilMs' | 'window'> & Pick<Lapse, 'how'>;

/** An acknowledged write that a node should not have taken, and could not be kept from taking. */
export const isInside = (
  seen: History[number],
  broken: readonly Pick<BrokenAssumption, 'node' | 'window'>[],
): seen is Write =>
  seen.kind === 'write' &&
  seen.outcome === 'acknowledged' &&
  broken.some(({ node, window }) => seen.node === node && within(window, seen.serverMs ?? Number.NaN));

const within = ({ fromMs, untilMs }: Open['window'], atMs: SharedMs): boolean => fromMs <= atMs && atMs <= untilMs;

function excuses({ node, window }: Open, violation: Violation): boolean {
  switch (violation.kind) {
    case 'splitBrain': {
      const [a, b] = violation.reigns;
      if (a.node !== node && b.node !== node) return false;
      return within(window, Math.max(a.firstMs, b.firstMs)) && within(window, Math.min(a.lastMs, b.lastMs));
    }
    // The latest of these writes: those before it came after the right ended, too, and no guard ran by then.
    case 'wroteWithoutRight':
      return (
        violation.node === node && violation.lateMs !== null && within(window, violation.write.serverMs ?? Number.NaN)
      );
    // It had been told to before, and nobody could take that back; or it was told as the machine went on, by who had asked
    // whether it may right before it stood still.
    case 'promotedTooLate':
    case 'promotedWithoutLease':
      return violation.promotion.node === node && within(window, violation.promotion.atMs);
    case 'exposed':
      return violation.exposure.node === node && within(window, violation.exposure.atMs);
    default:
      return false;
  }
}

function windowsOf(history: History, fenceMs: number): readonly Open[] {
  const rights = history.filter((seen): seen is Right => seen.kind === 'right');
  const lapses = history.filter((seen): seen is Lapse => seen.kind === 'lapse');
  return [...new Set(lapses.map(({ node }) => node))].flatMap((node) => {
    const mine = rights.filter((right) => right.node === node);
    const merged = joined(
      lapses.filter((lapse) => lapse.node === node).sort((a, b) => a.fromMs - b.fromMs),
      fenceMs,
    );
    return merged.flatMap((lapse) => mine.flatMap((right) => openAt(lapse, right, mine, fenceMs)));
  });
}

/** Guards that run for less than they need have not run. */
function joined(lapses: readonly Lapse[], fenceMs: number): readonly Lapse[] {
  const all: Lapse[] = [];
  for (const lapse of lapses) {
    const last = all.at(-1);
    if (last !== undefined && lapse.fromMs - last.untilMs <= fenceMs)
      all[all.length - 1] = { ...last, untilMs: Math.max(last.untilMs, lapse.untilMs) };
    else all.push(lapse);
  }
  return all;
}

/** None, when the right did not end while no guard ran: either they had had their time before, or it goes on. */
function openAt(lapse: Lapse, right: Right, rights: readonly Right[], fenceMs: number): readonly Open[] {
  const endedMs = right.untilMs;
  const others = rights.filter((other) => other !== right && other.untilMs > endedMs);
  if (others.some(({ fromMs }) => fromMs <= endedMs)) return [];
  if (lapse.fromMs > endedMs + (right.fenceMs ?? fenceMs) || lapse.untilMs <= endedMs) return [];
  const untilMs = Math.min(lapse.untilMs + fenceMs, ...others.map(({ fromMs }) => fromMs));
  return [{ ...timeOf(lapse), window: { fromMs: endedMs, untilMs } }];
}

const timeOf = ({ node, how, fromMs, untilMs }: Lapse) => ({ node, how, fromMs, untilMs });

/** `assumption broken: all guards of n2 frozen 12.3–31.0 s; window of two primaries 3.1 s, 12 writes without the right` */
export function tellBroken({ node, how, fromMs, untilMs, twoPrimariesMs, writes }: BrokenAssumption): string {
  if (how === 'rolledBack')
    return `assumption broken: the disk of ${node} was rolled back at ${(fromMs / 1000).toFixed(1)} s`;
  const who = how === 'frozen' ? `all guards of ${node} frozen` : `${node} and all its guards suspended`;
  const when = `${(fromMs / 1000).toFixed(1)}–${(untilMs / 1000).toFixed(1)} s`;
  const open = `window of two primaries ${(twoPrimariesMs / 1000).toFixed(1)} s`;
  return `assumption broken: ${who} ${when}; ${open}, ${writes} writes without the right`;
}
