import type { Instance } from './instance.ts';
import type { WalRecord } from './wal.ts';

/** Streaming standbys whose log is no beginning of the primary's. PostgreSQL compares positions only, never contents. */
export function corruptedStandbys(primary: string | null, servers: readonly (Instance | null)[]): readonly string[] {
  const running = servers.filter((one) => one !== null);
  const leader = running.find((one) => one.machine.name === primary);
  if (leader === undefined) return [];
  const byStart = new Map(leader.wal.records.map((record) => [record.start, record]));
  return running
    .filter((one) => one !== leader && one.receiver?.status === 'streaming')
    .flatMap((one) => {
      const strange = one.wal.records.find((record) => !same(record, byStart.get(record.start)));
      if (strange === undefined) return [];
      return [`${one.machine.name} holds another record than ${primary} at ${strange.start.toString(16)}`];
    });
}

const same = (a: WalRecord, b: WalRecord | undefined): boolean =>
  b !== undefined && a.end === b.end && a.timeline === b.timeline && a.change === b.change;
