import type { SharedMs } from '../../model/history.ts';
import type { ClientPath } from '../clients.ts';
import type { Evidence, JournalSeen } from '../scenario/evidence.ts';
import type { Gap } from './gaps.ts';

export const phaseNames = [
  'noticed',
  'lease free',
  'elected',
  'promoted',
  'first acknowledged write',
  'routed by HAProxy',
] as const;
export type PhaseName = (typeof phaseNames)[number];

export interface Phase {
  readonly name: PhaseName;
  /** Since the first fault or act; null: it did not come to that. */
  readonly afterMs: number | null;
  /** Who or what showed it. */
  readonly by: string;
}

/** When the first fault or act began; of a scenario without either, its beginning. */
export const struckMs = ({ steps, fromMs }: Evidence): SharedMs =>
  steps.find(({ nature }) => nature === 'fault' || nature === 'act')?.fromMs ?? fromMs;

/** A shorter pause is none: clients send 50 statements a second on a busy machine. */
const pauseMs = 250;

export function phasesOf(evidence: Evidence, gaps: Readonly<Record<ClientPath, Gap>>): readonly Phase[] {
  const atMs = struckMs(evidence);
  const keys = evidence.leaderKey.filter((key) => key.atMs >= atMs);
  const noticed = evidence.journals
    .filter((seen) => seen.atMs >= atMs && !isRoutine(seen))
    .toSorted((a, b) => a.atMs - b.atMs)[0];
  const elected = keys.find(({ holder }) => holder !== null);
  const promoted =
    elected === undefined
      ? undefined
      : evidence.history.find(
          (seen) =>
            seen.kind === 'role' &&
            seen.role === 'primary' &&
            seen.node === elected.holder &&
            seen.fromMs >= elected.atMs,
        );
  const served = (path: 'direct write' | 'proxied write'): SharedMs | undefined => {
    if (elected !== undefined) return firstWriteOn(evidence, path, elected.holder ?? '', elected.atMs);
    const { gapMs, untilMs } = gaps[path];
    return gapMs !== null && gapMs >= pauseMs && untilMs !== evidence.untilMs ? (untilMs ?? undefined) : undefined;
  };
  const [written, routed] = [served('direct write'), served('proxied write')];
  // The witness asks every 10 ms: a client may have been there before it, and whoever took its write was promoted.
  const witnessed = promoted?.kind === 'role' ? promoted.fromMs : undefined;
  const early = [written, routed]
    .filter((ms) => elected !== undefined && witnessed !== undefined && ms !== undefined && ms < witnessed)
    .toSorted((a = 0, b = 0) => a - b)[0];
  const since = (name: PhaseName, ms: SharedMs | undefined, by: string): Phase => ({
    name,
    afterMs: ms === undefined ? null : ms - atMs,
    by: ms === undefined ? '' : by,
  });
  return [
    since('noticed', noticed?.atMs, noticed === undefined ? '' : `${noticed.node}: ${wordsOf(noticed)}`),
    since('lease free', keys.find(({ holder }) => holder === null)?.atMs, 'etcd'),
    since('elected', elected?.atMs, `etcd: ${elected?.holder}`),
    since('promoted', early ?? witnessed, early === undefined ? `the witness on ${elected?.holder}` : 'a client'),
    since('first acknowledged write', written, 'the client with a list of hosts'),
    since('routed by HAProxy', routed, 'the client behind HAProxy'),
  ];
}

function firstWriteOn({ history }: Evidence, path: ClientPath, node: string, sinceMs: SharedMs): SharedMs | undefined {
  const slug = path.replace(' ', '-');
  const times = history.flatMap((seen) =>
    seen.kind === 'write' && seen.outcome === 'acknowledged' && seen.node === node && seen.client.endsWith(slug)
      ? [seen.endedMs ?? 0]
      : [],
  );
  return times.filter((ms) => ms >= sinceMs).toSorted((a, b) => a - b)[0];
}

/** Decisions of a cluster that is well, which are told once a minute whether anything happened or not. */
const isRoutine = ({ entry }: JournalSeen): boolean =>
  entry.kind === 'decided' && ['primary.healthy', 'standby.following'].includes(entry.rule);

export function wordsOf({ entry }: JournalSeen): string {
  switch (entry.kind) {
    case 'decided':
      return entry.rule;
    case 'changed':
      return `${entry.what}: ${entry.from} → ${entry.to}`;
    case 'job':
      return entry.step === entry.job
        ? `${entry.job} ${entry.outcome}`
        : `${entry.job}: ${entry.step} ${entry.outcome}`;
    case 'guard':
      return entry.step;
    case 'note':
      return entry.text;
    default:
      return entry satisfies never;
  }
}
