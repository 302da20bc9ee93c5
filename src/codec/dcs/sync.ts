import type { Cluster } from '../../model/cluster.ts';
import { compactJson, isObject, naturalOrNull, parseJson, textOrNull } from './json.ts';

export type ReadSync = Omit<NonNullable<Cluster['sync']>, 'modRevision'>;

/** Null: synchronous mode is not active. A key without a leader reads so too. */
export function readSync(text: string): ReadSync | null {
  const value = parseJson(text);
  if (!isObject(value)) return null;
  const leader = textOrNull(value.leader);
  if (leader === null || leader === '') return null;
  if (value.quorum !== undefined && value.quorum !== null && naturalOrNull(value.quorum) === null) return null;
  const members = (textOrNull(value.sync_standby) ?? '').split(',').map((name) => name.trim());
  return { leader, members: members.filter((name) => name !== ''), quorum: Number(naturalOrNull(value.quorum) ?? 0n) };
}

export const writeSync = (sync: ReadSync): string =>
  compactJson({
    leader: sync.leader,
    quorum: sync.quorum,
    sync_standby: sync.members.length === 0 ? null : [...sync.members].sort().join(','),
  });
