import type { ClusterSettings, PermanentSlot, SlotPattern } from '../../model/settings.ts';
import { slotNameOf } from '../../model/slotName.ts';

type Json = Readonly<Record<string, unknown>>;
type SlotSettings = Pick<ClusterSettings, 'permanentSlots' | 'ignoreSlots' | 'slotsInDoubt'>;
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** As PostgreSQL has it. */
const isSlotName = (name: string): boolean => /^[a-z0-9_]{1,63}$/.test(name);
/** The first of these that is there counts, and no other. */
const aliases = ['permanent_replication_slots', 'permanent_slots', 'slots'] as const;

/**
 * `slots` and `ignore_slots`. An entry that cannot be understood is left out and told; and since it may be about a slot that
 * somebody counts on, nothing unknown is dropped until it is mended.
 */
export function readSlots(document: Json, members: readonly string[], warnings: string[]): SlotSettings {
  const before = warnings.length;
  const permanentSlots = readPermanent(document, warnings);
  const ignoreSlots = readIgnored(document.ignore_slots, warnings);
  const slotsInDoubt = warnings.length > before;
  return { permanentSlots: apart(permanentSlots, members, warnings), ignoreSlots, slotsInDoubt };
}

function readPermanent(document: Json, warnings: string[]): readonly PermanentSlot[] {
  const alias = aliases.find((name) => document[name] !== undefined && document[name] !== null);
  if (alias === undefined) return [];
  const entries = document[alias];
  if (!isMap(entries)) {
    warnings.push(
      `${alias}: ${shown(entries)} is no mapping of slot names to what they are; no slot is dropped over it`,
    );
    return [];
  }
  return Object.entries(entries).flatMap(([name, entry]): PermanentSlot[] => {
    const slot = readEntry(name, entry);
    if (typeof slot !== 'string') return [slot];
    warnings.push(`${alias}.${name}: ${slot}; it is left out, and no unknown slot is dropped until that is mended`);
    return [];
  });
}

/** A text: what is wrong with it. */
function readEntry(name: string, given: unknown): PermanentSlot | string {
  if (!isSlotName(name)) return 'no name of a slot: a to z, 0 to 9 and _ only, 63 characters at most';
  const entry = given === null || given === undefined || given === '' ? {} : given;
  if (!isMap(entry)) return `${shown(given)} is no mapping; nothing at all, or {type: physical}, makes a physical slot`;
  const { type = null, database = null, plugin = null, cluster_type: clusterType = null } = entry;
  const kind = type ?? (database !== null && plugin !== null ? 'logical' : 'physical');
  if (kind === 'logical') {
    if (typeof database !== 'string' || database === '') return 'a logical slot needs its database';
    if (typeof plugin !== 'string' || plugin === '') return 'a logical slot needs its plugin, such as pgoutput';
    return { kind, name, database, plugin };
  }
  if (kind !== 'physical') return `type ${shown(type)} is neither physical nor logical`;
  if (clusterType !== null && clusterType !== 'primary' && clusterType !== 'standby')
    return `cluster_type ${shown(clusterType)} is neither primary nor standby`;
  return { kind, name, clusterType };
}

function readIgnored(given: unknown, warnings: string[]): readonly SlotPattern[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) {
    warnings.push(`ignore_slots: ${shown(given)} is no list; no unknown slot is dropped until that is mended`);
    return [];
  }
  return given.flatMap((entry: unknown, index): SlotPattern[] => {
    const pattern = readPattern(entry);
    if (typeof pattern !== 'string') return [pattern];
    warnings.push(`ignore_slots[${index}]: ${pattern}; no unknown slot is dropped until that is mended`);
    return [];
  });
}

const attributes = ['name', 'type', 'database', 'plugin'];

/** A text: what is wrong with it. */
function readPattern(entry: unknown): SlotPattern | string {
  if (!isMap(entry)) return `${shown(entry)} is no mapping with any of ${attributes.join(', ')}`;
  const given = Object.entries(entry).filter(([, value]) => value !== null);
  const wrong = given.find(([name, value]) => !attributes.includes(name) || typeof value !== 'string');
  if (wrong !== undefined)
    return `${wrong[0]}: ${shown(wrong[1])} is none of ${attributes.join(', ')}, each with a text`;
  if (given.length === 0) return `it says nothing: give any of ${attributes.join(', ')}`;
  const { type, ...others } = Object.fromEntries(given) as Record<string, string>;
  if (type === undefined) return others;
  if (type !== 'physical' && type !== 'logical') return `type ${shown(type)} is neither physical nor logical`;
  return { ...others, kind: type };
}

/** A member's slot is physical, and bears its name: nothing else can. */
function apart(
  slots: readonly PermanentSlot[],
  members: readonly string[],
  warnings: string[],
): readonly PermanentSlot[] {
  const ownerOf = new Map<string, string>();
  for (const member of members) {
    const name = slotNameOf(member);
    const other = ownerOf.get(name);
    if (other !== undefined)
      warnings.push(`members ${other} and ${member} have the same slot name ${name}: only one can stream; rename one`);
    else ownerOf.set(name, member);
  }
  return slots.filter(({ kind, name }) => {
    const member = kind === 'logical' ? ownerOf.get(name) : undefined;
    if (member !== undefined)
      warnings.push(
        `slots.${name}: logical, but member ${member} streams by a slot of this name; it is left out: rename it`,
      );
    return member === undefined;
  });
}
