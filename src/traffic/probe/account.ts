import type { ClientGap } from '../../model/probe.ts';
import type { Served } from '../meter.ts';
import type { Role } from '../seek.ts';
import { emptyHistogram, type Histogram, withSample } from './histogram.ts';

/** One way to the database, as the probe names it: `write` through `ha:5000/app`. */
export interface PathName {
  readonly kind: 'write' | 'read';
  /** Without user and password. */
  readonly target: string;
}

/** What happened on a path that people want to be told of. */
export type PathEvent =
  | { readonly kind: 'firstAnswer'; readonly host: string | null; readonly role: Role | null; readonly afterMs: number }
  /** No answer for longer than the threshold. `host`: who answered last; null: nobody yet. */
  | { readonly kind: 'gapBegan'; readonly fromWallMs: number; readonly host: string | null; readonly errors: Errors }
  | { readonly kind: 'gapEnded'; readonly gap: ClientGap; readonly errors: Errors }
  /** Another host answers, and the time between was no gap. */
  | { readonly kind: 'moved'; readonly from: string; readonly to: string; readonly gapMs: number };

/** By SQLSTATE, or `unreachable`, `lost`. */
export type Errors = Readonly<Record<string, number>>;

export interface PathStatus extends PathName {
  /** Answered, and not longer ago than the threshold. */
  readonly up: boolean;
  readonly host: string | null;
  readonly role: Role | null;
  readonly lastAnswerWallMs: number | null;
  /** Since the last answer; before the first, since the probe began. */
  readonly gapMs: number;
  readonly longestGapMs: number;
  /** Those above the threshold, the running one among them, and the time in them. */
  readonly gaps: number;
  readonly downMs: number;
  readonly attempts: { readonly ok: number; readonly failed: number; readonly unknown: number };
  readonly errors: Errors;
  readonly hostChanges: number;
  readonly latency: Histogram;
}

export interface Account {
  /** The outcome of one statement. */
  served(served: Served, nowMs: number, wallMs: number): readonly PathEvent[];
  /** No connection came about. */
  failed(error: string): void;
  /** Sees whether a gap has become one; called again and again. */
  look(nowMs: number): readonly PathEvent[];
  /** The probe itself stood still for so long: that is nobody's gap. */
  excuse(ms: number): void;
  status(nowMs: number): PathStatus;
  /** The last gaps above the threshold, the oldest first, and the running one. */
  gaps(nowMs: number): readonly ClientGap[];
}

const gapsKept = 50;

/**
 * Keeps the books of one path. A gap is the time between two answers. From `thresholdMs` on it counts as one: then all of it,
 * from the answer before it, is time in which a client went without.
 */
export function makeAccount(
  name: PathName,
  thresholdMs: number,
  begun: { readonly nowMs: number; readonly wallMs: number },
): Account {
  let last = { host: null as string | null, role: null as Role | null, atMs: begun.nowMs, wallMs: begun.wallMs };
  let answered = false;
  /** The running gap is longer than the threshold, and was told. */
  let inGap = false;
  let longestMs = 0;
  let closed = { gaps: 0, downMs: 0 };
  let attempts = { ok: 0, failed: 0, unknown: 0 };
  let errors: Errors = {};
  let errorsSince: Errors = {};
  let hostChanges = 0;
  let latency = emptyHistogram;
  let kept: readonly Span[] = [];

  function count(outcome: keyof typeof attempts, error: string | null): void {
    attempts = { ...attempts, [outcome]: attempts[outcome] + 1 };
    if (error === null) return;
    errors = { ...errors, [error]: (errors[error] ?? 0) + 1 };
    errorsSince = { ...errorsSince, [error]: (errorsSince[error] ?? 0) + 1 };
  }

  function answer(served: Served, nowMs: number, wallMs: number): readonly PathEvent[] {
    const before = last;
    const gapMs = nowMs - before.atMs;
    const since = errorsSince;
    const isFirst = !answered;
    count('ok', null);
    latency = withSample(latency, served.tookMs);
    longestMs = Math.max(longestMs, gapMs);
    const moved = before.host !== null && served.host !== null && served.host !== before.host;
    if (moved) hostChanges += 1;
    last = { host: served.host ?? before.host, role: served.role, atMs: nowMs, wallMs };
    answered = true;
    errorsSince = {};
    if (inGap || gapMs >= thresholdMs) {
      inGap = false;
      const span = { ...before, untilMs: nowMs, hostAfter: served.host };
      closed = { gaps: closed.gaps + 1, downMs: closed.downMs + gapMs };
      kept = [...kept, span].slice(-gapsKept);
      return [{ kind: 'gapEnded', gap: gapOf(name, span, nowMs), errors: since }];
    }
    if (isFirst) return [{ kind: 'firstAnswer', host: served.host, role: served.role, afterMs: gapMs }];
    return moved ? [{ kind: 'moved', from: before.host ?? '', to: served.host ?? '', gapMs }] : [];
  }

  function look(nowMs: number): readonly PathEvent[] {
    if (inGap || nowMs - last.atMs < thresholdMs) return [];
    inGap = true;
    return [{ kind: 'gapBegan', fromWallMs: last.wallMs, host: last.host, errors: errorsSince }];
  }

  return {
    look,
    served(served, nowMs, wallMs) {
      if (served.outcome === 'acknowledged') return [...look(nowMs), ...answer(served, nowMs, wallMs)];
      // A read whose answer was lost has changed nothing: there is no doubt about it.
      count(name.kind === 'read' ? 'failed' : served.outcome, served.error);
      return look(nowMs);
    },
    failed: (error) => count('failed', error),
    excuse(ms) {
      last = { ...last, atMs: last.atMs + ms, wallMs: last.wallMs + ms };
    },
    status(nowMs) {
      const gapMs = nowMs - last.atMs;
      const running = gapMs >= thresholdMs || inGap;
      return {
        ...name,
        up: answered && !running,
        host: last.host,
        role: last.role,
        lastAnswerWallMs: answered ? last.wallMs : null,
        gapMs,
        longestGapMs: Math.max(longestMs, gapMs),
        gaps: closed.gaps + Number(running),
        downMs: closed.downMs + (running ? gapMs : 0),
        attempts,
        errors,
        hostChanges,
        latency,
      };
    },
    gaps(nowMs) {
      const runs = inGap || nowMs - last.atMs >= thresholdMs;
      const spans = runs ? [...kept, { ...last, untilMs: null, hostAfter: null }] : kept;
      return spans.map((span) => gapOf(name, span, nowMs));
    },
  };
}

/** From the answer before a gap to the one after it; null: it still runs. */
interface Span {
  readonly atMs: number;
  readonly wallMs: number;
  readonly host: string | null;
  readonly untilMs: number | null;
  readonly hostAfter: string | null;
}

const gapOf = (name: PathName, { atMs, wallMs, host, untilMs, hostAfter }: Span, nowMs: number): ClientGap => ({
  kind: name.kind,
  target: name.target,
  gapMs: (untilMs ?? nowMs) - atMs,
  fromWallMs: wallMs,
  beganAgoMs: nowMs - atMs,
  endedAgoMs: untilMs === null ? null : nowMs - untilMs,
  hostBefore: host,
  hostAfter,
});
