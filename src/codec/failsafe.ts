import type { FailsafeMap, Promised } from '../model/failsafe.ts';
import { instantMs, type Lsn, lsn, lsnText, type Revision, revision, type Term, term } from '../model/units.ts';
import { compactJson, isObject, parseJson, textOrNull } from './dcs/json.ts';

/** What failsafe mode keeps in the state directory, for the next agent of this node. */

export const promiseFile = (stateDir: string): string => `${stateDir}/promise.json`;
export const failsafeMapFile = (stateDir: string): string => `${stateDir}/failsafe.json`;

/** A promise, in the boot whose clock it counts by. */
export const writePromised = (bootId: string, promised: Promised): string =>
  `${compactJson({
    bootId,
    ...promised,
    term: promised.term === null ? null : String(promised.term),
    lsn: promised.lsn === null ? null : lsnText(promised.lsn),
    slots: Object.fromEntries(Object.entries(promised.slots).map(([name, at]) => [name, lsnText(at)])),
  })}\n`;

/** For how long was promised, in whatever boot: what is left of it nobody knows after another. Zero: no promise can be read. */
export function promisedForMs(text: string): number {
  const value = parseJson(text);
  if (!isObject(value) || typeof value.givenMs !== 'number' || typeof value.untilMs !== 'number') return 0;
  const forMs = value.untilMs - value.givenMs;
  return forMs > 0 && forMs <= longestMs ? forMs : 0;
}
/** Nobody promises more. */
const longestMs = 3_600_000;

/** Null: there is none, or of another boot. */
export function readPromised(text: string, bootId: string): Promised | null {
  const value = parseJson(text);
  if (!isObject(value) || value.bootId !== bootId) return null;
  const { givenMs, untilMs, at } = value;
  if (typeof givenMs !== 'number' || typeof untilMs !== 'number') return null;
  const reign = textOrNull(value.term);
  const slots = isObject(value.slots) ? value.slots : {};
  return {
    to: textOrNull(value.to),
    term: reign !== null && /^\d{1,19}$/.test(reign) ? term(BigInt(reign)) : null,
    givenMs: instantMs(givenMs),
    untilMs: instantMs(untilMs),
    anybodyUntilMs: typeof value.anybodyUntilMs === 'number' ? instantMs(value.anybodyUntilMs) : null,
    at:
      isObject(at) && typeof at.host === 'string' && typeof at.port === 'number'
        ? { host: at.host, port: at.port }
        : null,
    lsn: lsnOrNull(value.lsn),
    slots: Object.fromEntries(
      Object.entries(slots).flatMap(([name, position]) => {
        const read = lsnOrNull(position);
        return read === null ? [] : [[name, read] as const];
      }),
    ),
  };
}

function lsnOrNull(value: unknown): Lsn | null {
  return typeof value === 'string' && /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(value) ? lsn(value) : null;
}

/**
 * The map as it was last read, and those that were written and may still arrive: each over the revision that it was decided on.
 * Null among these: the key was deleted.
 */
export interface KnownMaps {
  readonly term: Term;
  readonly read: { readonly members: FailsafeMap; readonly at: Revision } | null;
  readonly tries: readonly { readonly members: FailsafeMap | null; readonly over: Revision }[];
}

export const writeKnownMaps = ({ term: reign, read, tries }: KnownMaps): string =>
  `${compactJson({
    term: String(reign),
    read: read === null ? null : { members: read.members, at: String(read.at) },
    tries: tries.map(({ members, over }) => ({ members, over: String(over) })),
  })}\n`;

/** Null: there is none that can be read. */
export function readKnownMaps(text: string): KnownMaps | null {
  const value = parseJson(text);
  if (!isObject(value)) return null;
  const reign = revisionOrNull(value.term);
  if (reign === null || !Array.isArray(value.tries)) return null;
  const read = isObject(value.read) ? mapAt(value.read.members, value.read.at) : null;
  if (value.read !== null && read === null) return null;
  const tries = value.tries.map(tryOf);
  if (tries.some((one) => one === null)) return null;
  return { term: term(reign), read, tries: tries.filter((one) => one !== null) };
}

function tryOf(one: unknown): KnownMaps['tries'][number] | null {
  if (!isObject(one)) return null;
  const over = revisionOrNull(one.over);
  if (one.members === null) return over === null ? null : { members: null, over };
  const known = mapAt(one.members, one.over);
  return known === null ? null : { members: known.members, over: known.at };
}

function mapAt(members: unknown, at: unknown): { readonly members: FailsafeMap; readonly at: Revision } | null {
  const found = revisionOrNull(at);
  if (!isObject(members) || found === null) return null;
  const read: Record<string, string> = {};
  for (const [name, url] of Object.entries(members)) {
    if (typeof url !== 'string') return null;
    read[name] = url;
  }
  return { members: read, at: found };
}

const revisionOrNull = (value: unknown): Revision | null =>
  typeof value === 'string' && /^\d{1,19}$/.test(value) ? revision(BigInt(value)) : null;
