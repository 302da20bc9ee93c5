import { hints as commonHints } from '../hints.ts';
import type { Errors, PathEvent, PathName, PathStatus } from './account.ts';
import type { Finding } from './ledger.ts';
import type { ProbeEvent, ProbeStatus } from './probe.ts';

/** `2026-11-26T10:22:31.042Z write ha:5000/app: answered again by 10.0.0.2:5432 after 4.31 s (…)` */
export function eventLine(event: ProbeEvent): string {
  const at = timeOf(event.wallMs);
  switch (event.kind) {
    case 'path':
      return `${at} ${nameOf(event.path)}: ${pathText(event.event)}`;
    case 'found':
      return `${at} ${nameOf(event.path)}: ${findingText(event.finding)}`;
    case 'stoodStill':
      return `${at} the probe itself stood still for ${seconds(event.ms)}: nothing was measured meanwhile`;
    default:
      return event satisfies never;
  }
}

/** The same for pipes: one object a line, no deeper than it must be. */
export function eventJson(event: ProbeEvent): string {
  if (event.kind === 'stoodStill') return JSON.stringify(event);
  const { wallMs, path } = event;
  const told = event.kind === 'path' ? event.event : { kind: 'found', finding: event.finding };
  const { kind, ...rest } = told;
  return JSON.stringify({ kind, wallMs, path, ...rest });
}

function pathText(event: PathEvent): string {
  switch (event.kind) {
    case 'firstAnswer':
      return `first answer after ${seconds(event.afterMs)}, by ${event.host ?? 'nobody known'} (${event.role ?? 'role unknown'})`;
    case 'gapBegan':
      return `no answer since ${timeOf(event.fromWallMs)}, ${event.host === null ? 'when the probe began' : `the last one by ${event.host}`}${because(event.errors)}`;
    case 'gapEnded': {
      const { gapMs, fromWallMs, hostBefore, hostAfter } = event.gap;
      const before =
        hostBefore === hostAfter ? 'as before' : hostBefore === null ? 'the first' : `before: ${hostBefore}`;
      return `answered again after ${seconds(gapMs)}, by ${hostAfter} (${before}); nothing from ${timeOf(fromWallMs)} on${because(event.errors)}`;
    }
    case 'moved':
      return `answered by ${event.to}, no more by ${event.from}, within ${seconds(event.gapMs)}`;
    default:
      return event satisfies never;
  }
}

const findingTexts: Readonly<Record<Finding['kind'], string>> = {
  lost: 'LOST: was answered as written, and is not there',
  doubled: 'DOUBLED: is there more than once',
  reordered: 'REORDERED: stands behind what was written after it',
  invented: 'was refused, and is there all the same',
  otherSystem: 'ANOTHER DATABASE SYSTEM answers than before: its system identifier is not the same',
};

function findingText({ kind, values }: Finding): string {
  if (values === null) return findingTexts[kind];
  const { from, to, count } = values;
  const which = count === 1 ? `write ${from}` : `${count} writes, the first ${from}, the last ${to}`;
  return `${which}: ${findingTexts[kind]}`;
}

function because(errors: Errors): string {
  const all = Object.entries(errors).map(([error, times]) => `${error} ${times}×${hintOf(error)}`);
  return all.length === 0 ? '' : `: ${all.join(', ')}`;
}

const hintOf = (error: string): string => (hints[error] === undefined ? '' : ` (${hints[error]})`);

/** What a person can do something about. */
const hints: Readonly<Record<string, string>> = {
  ...commonHints,
  '42501': 'no permission; once, as a superuser: CREATE SCHEMA matriarch_probe AUTHORIZATION the_login_of_the_probe',
  standby: 'whoever is reached is no primary',
};

export interface Begun {
  readonly rate: number;
  readonly thresholdMs: number;
  /** Where the metrics are; null: nowhere. */
  readonly host: string | null;
  readonly port: number | null;
}

export function startText(paths: readonly PathName[], { rate, thresholdMs, host, port }: Begun): string {
  const metrics =
    port === null ? 'no metrics (--listen)' : `metrics at http://${host === '*' ? 'localhost' : host}:${port}/metrics`;
  return `probing ${paths.map(nameOf).join(', ')}: ${rate} a second, a gap from ${seconds(thresholdMs)} on; ${metrics}`;
}

export const startJson = (paths: readonly PathName[], begun: Begun, wallMs: number): string =>
  JSON.stringify({ kind: 'started', wallMs, paths: paths.map(({ kind, target }) => ({ kind, target })), ...begun });

/** At the end, a line for each path. */
export const summaryText = ({ paths, thresholdMs }: ProbeStatus): string =>
  paths.map((path) => `${nameOf(path)}: ${summaryOf(path, thresholdMs)}`).join('\n');

export const summaryJson = (status: ProbeStatus, wallMs: number): string =>
  JSON.stringify({ kind: 'summary', wallMs, ...status });

function summaryOf(path: ProbeStatus['paths'][number], thresholdMs: number): string {
  const { attempts, gaps, downMs, longestGapMs, findings } = path;
  const wrong = Object.entries(findings).filter(([, count]) => count > 0);
  return [
    `${attempts.ok} answered, ${attempts.failed} failed, ${attempts.unknown} unknown`,
    `${gaps} ${gaps === 1 ? 'gap' : 'gaps'} of ${seconds(thresholdMs)} or more, ${seconds(downMs)} in all; the longest time without an answer ${seconds(longestGapMs)}`,
    ...(wrong.length === 0 ? [] : [wrong.map(([kind, count]) => `${count} ${kind}`).join(', ')]),
    `last answered by ${hostOf(path)}`,
  ].join('; ');
}

const hostOf = ({ host, role }: PathStatus): string =>
  host === null ? 'nobody' : `${host} (${role ?? 'role unknown'})`;
const nameOf = ({ kind, target }: PathName): string => `${kind} ${target}`;
const timeOf = (wallMs: number): string => new Date(wallMs).toISOString();
const seconds = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`);
