import type { LocalPostgres } from '../../src/model/postgres.ts';
import { instantMs, lsn, pid, timeline } from '../../src/model/units.ts';
import { cleanlyStopped, control, crashed, leading, primary, standby } from '../decide/values.ts';
import { type Dimension, dimension } from './chapter.ts';

/** What runs in the data directory, or lies there. */

const at = { pid: pid(4711), sinceMs: instantMs(leading.nowMs - 2_000) };
const stopped = { kind: 'stopped', standbySignal: false, backupLabel: false, orphans: [], crashed: false } as const;
const ofRecovery = { ...stopped, standbySignal: true } as const;
const older = { ...control, timeline: timeline(4) };

const kinds: Readonly<Record<string, LocalPostgres>> = {
  'no data': { kind: 'noData' },
  'half a copy': { kind: 'partialData', left: 'basebackup' },
  'half a copy, or whole data in its place': { kind: 'partialData', left: 'basebackup', mayBeWhole: true },
  'half a bootstrap': { kind: 'partialData', left: 'initdb' },
  'half a rewind': { kind: 'partialData', left: 'rewind' },
  'half removed': { kind: 'partialData', left: 'removal' },
  unreadable: { kind: 'unreadable', why: 'input/output error' },
  'stopped primary': cleanlyStopped,
  'crashed primary': crashed,
  'stopped primary, old timeline': { ...stopped, control: { ...older, state: 'shut down' } },
  'stopped standby': { ...ofRecovery, control: { ...control, state: 'shut down in recovery' } },
  'crashed standby': { ...ofRecovery, control: { ...control, state: 'in archive recovery' }, crashed: true },
  'restored backup': { ...stopped, control, backupLabel: true },
  'backends left over': { ...stopped, control, orphans: [pid(4712)], crashed: true },
  'starting primary': { ...at, kind: 'starting', standbySignal: false, control },
  'starting standby': { ...at, kind: 'starting', standbySignal: true, control },
  'stopping primary': { ...at, kind: 'stopping', believed: 'primary' },
  'stopping standby': { ...at, kind: 'stopping', believed: 'standby' },
  'primary whose data is gone': { ...at, kind: 'stopping', believed: 'primary', homeless: true },
  'silent primary': { ...at, kind: 'unresponsive', believed: 'primary', why: 'no answer', control },
  'silent standby': { ...at, kind: 'unresponsive', believed: 'standby', why: 'no answer', control },
  primary,
  'primary, old timeline': { ...primary, timeline: timeline(4), control: older },
  'primary, checkpoint due': { ...primary, checkpointPending: true },
  'primary of half a bootstrap': { ...primary, left: 'initdb' },
  standby,
  'standby without stream': { ...standby, receiver: null },
  'standby, old timeline': { ...standby, receiver: null, timeline: timeline(4), control: older },
  'standby far behind': { ...standby, receiver: null, receivedLsn: lsn('0/4000000'), replayedLsn: lsn('0/4000000') },
  'standby, replay paused': { ...standby, replayPaused: true },
};

export const postgres: Dimension = dimension(
  'postgres',
  Object.fromEntries(Object.entries(kinds).map(([name, value]) => [name, (seen) => ({ ...seen, postgres: value })])),
);

export const stoppedKinds = [
  'stopped primary',
  'crashed primary',
  'stopped primary, old timeline',
  'stopped standby',
  'crashed standby',
  'restored backup',
  'backends left over',
] as const;

/** One of each kind that rules tell apart, for the chapters on something else. */
export const mainKinds = [
  'no data',
  'half a copy',
  'stopped primary',
  'crashed primary',
  'stopped standby',
  'starting primary',
  'starting standby',
  'stopping primary',
  'silent primary',
  'primary',
  'standby',
] as const;
