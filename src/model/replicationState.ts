import type { RunningStandby } from './postgres.ts';
import type { PostgresSettings } from './settings.ts';

/** Where the WAL of a standby comes from, in the words of member key and status; null: from nowhere just now. */
export function replicationStateOf(
  { receiver }: RunningStandby,
  { recovery }: PostgresSettings,
): 'streaming' | 'in archive recovery' | null {
  if (receiver?.status === 'streaming') return 'streaming';
  return recovery.restore_command === undefined ? null : 'in archive recovery';
}
