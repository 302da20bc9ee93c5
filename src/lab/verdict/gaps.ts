import type { SharedMs } from '../../model/history.ts';
import { type ClientPath, isWritePath } from '../clients.ts';
import type { Evidence } from '../scenario/evidence.ts';

/** The longest time that a client went without an answer to a statement. */
export interface Gap {
  /** Null: it was never served. */
  readonly gapMs: number | null;
  readonly fromMs: SharedMs | null;
  readonly untilMs: SharedMs | null;
}

export const gapsOf = (evidence: Evidence, sinceMs: SharedMs): Readonly<Record<ClientPath, Gap>> => {
  const of = (path: ClientPath): Gap => longestGap(servedMs(evidence, path), sinceMs, evidence.untilMs);
  return {
    'direct write': of('direct write'),
    'proxied write': of('proxied write'),
    'direct read': of('direct read'),
    'proxied read': of('proxied read'),
  };
};

export interface Answered {
  readonly sentMs: SharedMs;
  readonly endedMs: SharedMs;
}

/** The statements of a client that were answered, as it saw it, in the order of their answers. */
export function answeredOf({ history }: Evidence, path: ClientPath): readonly Answered[] {
  const answered: Answered[] = [];
  for (const seen of history) {
    if (seen.kind !== 'write' && seen.kind !== 'read') continue;
    const { sentMs, endedMs } = seen;
    const served = seen.outcome === 'acknowledged' || seen.outcome === 'answered';
    if (served && endedMs !== null && isOf(path, seen.client, seen.kind === 'write'))
      answered.push({ sentMs, endedMs });
  }
  return answered.toSorted((a, b) => a.endedMs - b.endedMs);
}

export const servedMs = (evidence: Evidence, path: ClientPath): readonly SharedMs[] =>
  answeredOf(evidence, path).map(({ endedMs }) => endedMs);

/** Clients are named after their paths. */
const isOf = (path: ClientPath, client: string, wrote: boolean): boolean =>
  isWritePath(path) === wrote && client.endsWith(path.replace(' ', '-'));

/** Of those that end after `sinceMs`; one still running at `untilMs` counts. */
function longestGap(times: readonly SharedMs[], sinceMs: SharedMs, untilMs: SharedMs): Gap {
  let longest: Gap = { gapMs: null, fromMs: null, untilMs: null };
  for (const [index, fromMs] of times.entries()) {
    const nextMs = times[index + 1] ?? untilMs;
    if (nextMs <= sinceMs || fromMs > untilMs) continue;
    if (nextMs - fromMs > (longest.gapMs ?? -1)) longest = { gapMs: nextMs - fromMs, fromMs, untilMs: nextMs };
  }
  return longest;
}
