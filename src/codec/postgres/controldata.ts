import type { ControlData } from '../../model/postgres.ts';
import { type Lsn, lsn, lsnOf, timeline } from '../../model/units.ts';

const states: ReadonlySet<string> = new Set<ControlData['state']>([
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
]);
const isState = (text: string): text is ControlData['state'] => states.has(text);

/** Reads what pg_controldata prints with LC_ALL=C. Null when it is not that. */
export function readControldata(text: string): ControlData | null {
  const lines = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf(':');
      return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()]];
    }),
  );
  const value = (name: string): string | null => lines.get(name) ?? null;
  const systemId = value('Database system identifier');
  const checkpoint = position(value('Latest checkpoint location'));
  if (systemId === null || !/^\d+$/.test(systemId) || checkpoint === null) return null;
  const state = value('Database cluster state') ?? '';
  const recorded: Record<string, number> = {};
  for (const [name, text] of lines) {
    const setting = /^(\w+) setting$/.exec(name)?.[1];
    if (setting !== undefined && /^\d+$/.test(text)) recorded[setting] = Number(text);
  }
  return {
    systemId,
    state: isState(state) ? state : 'unknown',
    timeline: timeline(Number(value("Latest checkpoint's TimeLineID") ?? 0)),
    checkpoint,
    redo: position(value("Latest checkpoint's REDO location")) ?? checkpoint,
    minRecoveryEnd: position(value('Minimum recovery ending location')) ?? lsnOf(0n),
    minRecoveryEndTimeline: timeline(Number(value("Min recovery ending loc's timeline") ?? 0)),
    checksums: Number(value('Data page checksum version') ?? 0) > 0,
    walLogHints: value('wal_log_hints setting') === 'on',
    version: Number(value('pg_control version number') ?? 0),
    recorded,
  };
}

function position(text: string | null): Lsn | null {
  try {
    return text === null ? null : lsn(text);
  } catch {
    return null;
  }
}
