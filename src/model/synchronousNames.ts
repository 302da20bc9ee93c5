/** The words of PostgreSQL's `synchronous_standby_names`: who must have a commit before its client hears of it. */
export interface SynchronousRule {
  /** first: the first `count` of those that are connected, in the order of the list; any: any `count` of them. */
  readonly method: 'first' | 'any';
  readonly count: number;
  readonly names: readonly string[];
}

/**
 * What stands in the list where commits must wait and nobody is there to wait for: `*` would let any client that calls
 * itself a standby acknowledge them. No member may bear this name.
 */
export const placeholderName = '__patroni_strict_sync_replica_placeholder__';

/** PostgreSQL compares application names whatever their case. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
export const isIn = (names: readonly string[], name: string): boolean => names.some((one) => sameName(one, name));

/** `a`, `a, b`, `2 (a, b)`, `FIRST 1 (a)`, `ANY 1 (a, b)`, `*`. Null: nobody is waited for. */
export function readSynchronousNames(text: string): SynchronousRule | null {
  const counted = /^\s*(?:(first|any)\s+)?(\d+)\s*\((.*)\)\s*$/is.exec(text);
  const names = listed(counted?.[3] ?? text);
  if (names.length === 0) return null;
  const method = counted?.[1]?.toLowerCase() === 'any' ? 'any' : 'first';
  return { method, count: Number(counted?.[2] ?? 1), names };
}

/** Names between commas; in double quotes they may hold anything, a quote doubled. */
function listed(text: string): readonly string[] {
  const found = text.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,"]+))\s*(?:,|$)/g);
  return [...found].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? (plain ?? '').trim()).filter(Boolean);
}

/** Empty for null. All of a list, one name: that name alone, as Patroni writes it. */
export function writeSynchronousNames(rule: SynchronousRule | null): string {
  if (rule === null) return '';
  const names = rule.names.map(quotedName);
  if (rule.method === 'any') return `ANY ${rule.count} (${names.join(',')})`;
  return names.length === 1 ? (names[0] ?? '') : `${rule.count} (${names.join(',')})`;
}

/** All of these must have it; none: nobody is waited for. Sorted, so that the same set is the same text. */
export const allOf = (names: readonly string[]): SynchronousRule | null =>
  names.length === 0 ? null : { method: 'first', count: names.length, names: [...names].sort() };

const quotedName = (name: string): string =>
  /^[A-Za-z_][A-Za-z_0-9$]*$/.test(name) && !/^(first|any)$/i.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
