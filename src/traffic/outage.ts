import type { Served } from './meter.ts';

/** Something that kept a client from its answer. */
export interface Failure {
  /** Whose it is, as far as is known: `node1:5432`. */
  readonly at: string;
  /** What was tried. A standby is no failure of its own: it is looked at again until it leads. */
  readonly tried: 'connect' | 'write' | 'read' | 'standby';
  /** failed: for certain; unknown: it may have been written all the same. */
  readonly outcome: Exclude<Served['outcome'], 'acknowledged'>;
  readonly value: number | null;
  /** SQLSTATE, or a word such as `unreachable`. */
  readonly error: string;
  readonly why: string | null;
}

/** Each gives a line for people, or null when there is nothing (new) to say. Instants are of one clock that is never set. */
export interface OutageTeller {
  failed(failure: Failure, nowMs: number): string | null;
  answered(host: string | null, nowMs: number): string | null;
  /** Called again and again. `underWay`: whose answer is being waited for. */
  look(nowMs: number, underWay: string | null): string | null;
  /** When it ends while nobody answers. */
  end(nowMs: number, underWay: string | null): string | null;
}

/** What repeats itself is told so often. */
const repeatMs = 5_000;
/** Among several hosts one is a standby most of the time: only when nobody leads for so long is that worth a word. */
const standbyMs = 1_000;

/**
 * Tells of failures: a new one at once, the same one again only with all that is known every few seconds, and when it is over
 * how long it took. `gapMs`: a shorter time between two answers is no gap at the client's pace.
 */
export function makeOutageTeller(begunMs: number, gapMs: number): OutageTeller {
  let last = { atMs: begunMs, answered: false };
  /** When each was told last: over answers that come in between, too, if some host is down and another answers. */
  const toldMs = new Map<string, number>();
  /** Since the last answer: the latest of each host, and how many statements. */
  const latest = new Map<string, Failure>();
  let counts = { failed: 0, unknown: 0 };
  /** When the outage under way was told of as a whole; null: nobody was told of any. */
  let outageToldMs: number | null = null;

  const all = (begin: string, nowMs: number, underWay: string | null): string => {
    const known = [...latest.values()].map(failureText);
    const waits = underWay === null ? [] : [`${underWay} has not answered a statement yet`];
    const { failed, unknown } = counts;
    const meanwhile = failed + unknown === 0 ? [] : [`${failed} failed and ${unknown} unknown meanwhile`];
    const parts = [...known, ...waits, ...meanwhile];
    return `${begin} ${seconds(nowMs - last.atMs)}${parts.length === 0 ? '' : `: ${parts.join('; ')}`}`;
  };

  return {
    failed(failure, nowMs) {
      latest.set(failure.at, failure);
      if (failure.tried === 'write' || failure.tried === 'read')
        counts = { ...counts, [failure.outcome]: counts[failure.outcome] + 1 };
      if (failure.tried === 'standby' && nowMs - last.atMs < standbyMs) return null;
      const key = keyOf(failure);
      const before = toldMs.get(key);
      // In an outage only the line for all of it repeats it.
      if (before !== undefined && (before >= last.atMs || nowMs - before < repeatMs)) return null;
      toldMs.set(key, nowMs);
      outageToldMs ??= nowMs;
      return failureText(failure);
    },
    answered(host, nowMs) {
      const lastedMs = nowMs - last.atMs;
      const isGap = lastedMs >= gapMs;
      const line = last.answered
        ? `${host ?? 'somebody'} answers again: nobody did for ${seconds(lastedMs)}`
        : `${host ?? 'somebody'} answers, the first to do so in ${seconds(lastedMs)}`;
      const worth = isGap && outageToldMs !== null;
      if (isGap) toldMs.clear();
      latest.clear();
      counts = { failed: 0, unknown: 0 };
      outageToldMs = null;
      last = { atMs: nowMs, answered: true };
      return worth ? line : null;
    },
    look(nowMs, underWay) {
      // At a slow pace it is no outage that nobody was asked.
      const isDue = nowMs - last.atMs >= gapMs && nowMs - (outageToldMs ?? last.atMs + gapMs) >= repeatMs;
      if (!isDue) return null;
      outageToldMs = nowMs;
      return all('nobody answers for', nowMs, underWay);
    },
    end(nowMs, underWay) {
      if (!last.answered) return all('nobody ever answered, in', nowMs, underWay);
      return nowMs - last.atMs < gapMs ? null : all('nobody answers any more, for', nowMs, underWay);
    },
  };
}

/** Without numbers: that it took 1001 ms once and 999 ms then, or was another value, makes no other failure of it. */
const keyOf = ({ at, tried, outcome, error, why }: Failure): string =>
  [at, tried, outcome, error, (why ?? '').replace(/\d+/g, '#')].join(' ');

/** `node1:5432 failed (28P01) to connect: password authentication failed for user "app"` */
function failureText({ at, tried, outcome, value, error, why }: Failure): string {
  if (tried === 'standby') return `${at} is a standby: a primary is waited for`;
  const because = why === null || why === '' ? '' : `: ${why}`;
  if (outcome === 'unknown') return `${at} unknown (${error}) whether it wrote ${value ?? 'anything'}${because}`;
  const what = tried === 'write' && value !== null ? `write ${value}` : tried;
  return `${at} failed (${error}) to ${what}${because}`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
