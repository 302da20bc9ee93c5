import type { LaneGap } from '../model/live.ts';
import type { Role } from './seek.ts';

/** What a client has felt so far: the line a second of `--json`, and the lab's screen. */
export interface TrafficStatus {
  readonly kind: 'write' | 'read';
  readonly host: string | null;
  readonly role: Role | null;
  readonly value: number | null;
  readonly acknowledged: number;
  readonly failed: number;
  /** The connection broke before the answer: it may be there or not. */
  readonly unknown: number;
  /** By SQLSTATE, or `unreachable`, `lost`. */
  readonly errors: Readonly<Record<string, number>>;
  readonly connections: number;
  /** Acknowledged statements in the last full second. */
  readonly perSecond: number;
  readonly latencyMs: number | null;
  readonly latencyMaxMs: number;
  /** Since the last acknowledgement, still running; null before the first. */
  readonly gapMs: number | null;
  /** Between two acknowledgements; the running one counts once it is longer. */
  readonly longestGapMs: number;
  /** Wall clock, ms since 1970, at which the longest gap began. */
  readonly longestGapFromWallMs: number | null;
  /** The last few that were worth a mark, and the running one. */
  readonly gaps: readonly LaneGap[];
}

/** How one statement went, as the client sees it. */
export interface Served {
  readonly outcome: 'acknowledged' | 'failed' | 'unknown';
  readonly host: string | null;
  readonly role: Role | null;
  readonly value: number | null;
  readonly error: string | null;
  /** What was said of the error, and what helps against it. */
  readonly why?: string | null;
  readonly tookMs: number;
}

export interface Meter {
  served(served: Served, nowMs: number, wallMs: number): { readonly gapMs: number | null };
  error(error: string): void;
  connected(): void;
  status(nowMs: number): TrafficStatus;
}

const gapsKept = 8;

/** Counts, and measures gaps: the time between two acknowledged statements. From `markedMs` on one is worth a mark. */
export function makeMeter(kind: TrafficStatus['kind'], markedMs = 1_000): Meter {
  let counts = { acknowledged: 0, failed: 0, unknown: 0, connections: 0 };
  let last: { served: Served; atMs: number; wallMs: number } | null = null;
  let longest = { gapMs: 0, fromWallMs: null as number | null };
  let second = { beganMs: 0, count: 0, before: 0 };
  let latencyMaxMs = 0;
  let gaps: readonly LaneGap[] = [];
  const errors: Record<string, number> = {};
  const error = (name: string): void => {
    errors[name] = (errors[name] ?? 0) + 1;
  };
  function roll(nowMs: number): void {
    if (nowMs - second.beganMs < 1000) return;
    const idle = nowMs - second.beganMs >= 2000;
    second = { beganMs: nowMs, count: 0, before: idle ? 0 : second.count };
  }
  function acknowledged(served: Served, nowMs: number, wallMs: number): number | null {
    const gapMs = last === null ? null : nowMs - last.atMs;
    if (last !== null && gapMs !== null && gapMs > longest.gapMs) longest = { gapMs, fromWallMs: last.wallMs };
    if (last !== null && gapMs !== null && gapMs >= markedMs)
      gaps = [...gaps, { fromWallMs: last.wallMs, toWallMs: last.wallMs + Math.round(gapMs) }].slice(-gapsKept);
    last = { served, atMs: nowMs, wallMs };
    latencyMaxMs = Math.max(latencyMaxMs, served.tookMs);
    roll(nowMs);
    second = { ...second, count: second.count + 1 };
    return gapMs;
  }
  return {
    served(served, nowMs, wallMs) {
      // A read that was not answered has changed nothing: there is no doubt about it.
      const outcome = kind === 'read' && served.outcome === 'unknown' ? 'failed' : served.outcome;
      counts = { ...counts, [outcome]: counts[outcome] + 1 };
      if (served.error !== null) error(served.error);
      return { gapMs: served.outcome === 'acknowledged' ? acknowledged(served, nowMs, wallMs) : null };
    },
    error,
    connected() {
      counts = { ...counts, connections: counts.connections + 1 };
    },
    status(nowMs) {
      roll(nowMs);
      const gapMs = last === null ? null : nowMs - last.atMs;
      const running = gapMs !== null && gapMs > longest.gapMs;
      return {
        kind,
        host: last?.served.host ?? null,
        role: last?.served.role ?? null,
        value: last?.served.value ?? null,
        ...counts,
        errors: { ...errors },
        perSecond: second.before,
        latencyMs: last?.served.tookMs ?? null,
        latencyMaxMs,
        gapMs,
        longestGapMs: running ? gapMs : longest.gapMs,
        longestGapFromWallMs: running ? (last?.wallMs ?? null) : longest.fromWallMs,
        gaps:
          last !== null && gapMs !== null && gapMs >= markedMs
            ? [...gaps, { fromWallMs: last.wallMs, toWallMs: null }]
            : gaps,
      };
    },
  };
}
