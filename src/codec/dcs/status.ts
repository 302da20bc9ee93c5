import type { ClusterStatus } from '../../model/cluster.ts';
import { type Lsn, lsnOf } from '../../model/units.ts';
import { compactJson, isObject, naturalOrNull, parseJson } from './json.ts';

export type ReadStatus = Omit<ClusterStatus, 'modRevision'>;

/** Also a bare position, as the key before `status` held it. Null when nothing can be read. */
export function readStatus(text: string): ReadStatus | null {
  const value = parseJson(text);
  const bare = naturalOrNull(value);
  if (bare !== null) return { optime: lsnOf(bare), slots: {}, retainSlots: [] };
  if (!isObject(value)) return null;
  return {
    optime: lsnOf(naturalOrNull(value.optime) ?? 0n),
    slots: readSlots(nested(value.slots)),
    retainSlots: readNames(nested(value.retain_slots)),
  };
}

export const writeStatus = (status: ReadStatus): string =>
  compactJson({
    optime: status.optime,
    slots: Object.keys(status.slots).length === 0 ? undefined : status.slots,
    retain_slots: status.retainSlots.length === 0 ? undefined : [...status.retainSlots].sort(),
  });

/** Slots may be JSON inside a string. */
const nested = (value: unknown): unknown => (typeof value === 'string' ? parseJson(value) : value);

function readSlots(value: unknown): Readonly<Record<string, Lsn>> {
  if (!isObject(value)) return {};
  const slots = Object.entries(value).flatMap(([name, at]) => {
    const bytes = naturalOrNull(at);
    return bytes === null ? [] : [[name, lsnOf(bytes)] as const];
  });
  return Object.fromEntries(slots);
}

const readNames = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
