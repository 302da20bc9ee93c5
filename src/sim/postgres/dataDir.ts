import type { ControlData } from '../../model/postgres.ts';
import { lsnOf, lsnText, timeline as toTimeline } from '../../model/units.ts';
import type { SeededChance } from '../chance.ts';
import type { Machine } from '../machine.ts';
import { append, truncate, type Wal, walFileName } from './wal.ts';

/** A data directory on a simulated disk: real names where anybody else looks, our own text in pg_control. */
export interface DataDir {
  readonly path: string;
  control(): Control | null;
  writeControl(control: Control): void;
  wal(): Wal | null;
  writeWal(wal: Wal): void;
  slots(): Map<string, SimSlot>;
  has(name: string): boolean;
  text(name: string): string | null;
  put(name: string, text: string): void;
  remove(name: string): void;
  /** Of a tool that syncs at its end: all that it wrote. Of a single file or folder: durable_rename and its like. */
  sync(name?: string): void;
}

export interface Control {
  readonly systemId: string;
  readonly state: ControlData['state'];
  readonly timeline: number;
  readonly previousTimeline: number;
  readonly checkpoint: bigint;
  readonly minRecoveryEnd: bigint;
  readonly minRecoveryEndTimeline: number;
  readonly checksums: boolean;
  readonly walLogHints: boolean;
  readonly recorded: Readonly<Record<string, number>>;
}

export interface SimSlot {
  readonly name: string;
  active: boolean;
  restartLsn: bigint | null;
  /** What the last feedback of the standby that streamed by it asks to be kept, whether or not it streams still. */
  feedback?: { readonly copies: boolean } | undefined;
  /** Absent: it is a physical one. */
  readonly logical?: LogicalPart;
}
export interface LogicalPart {
  readonly database: string;
  readonly plugin: string;
  confirmedLsn: bigint;
}

const walFile = 'pg_wal/wal.sim';
/** Marks a directory that a tool has not finished: its files are of two histories, or some of them are missing. */
export const mixedMark = 'global/mixed.sim';

/** `synced`: a server's way, which syncs each file as it writes it; a tool writes everything first. */
export function dataDirAt({ disk, clock }: Machine, path: string, { synced = true } = {}): DataDir {
  const file = (name: string): string => `${path}/${name}`;
  const written = (name: string): void => {
    if (synced) disk.sync(file(name));
  };
  const node = (name: string) => {
    const found = disk.get(file(name));
    return found?.kind === 'file' ? found : null;
  };
  return {
    path,
    control() {
      const text = node('global/pg_control')?.text;
      return text === undefined || text === '' ? null : readControl(text);
    },
    writeControl(control) {
      disk.put(file('global/pg_control'), controlText(control), 0o600, clock.wall());
      written('global/pg_control');
    },
    // The simulated programs put nothing else there.
    wal: () => (node(walFile)?.content as Wal | undefined) ?? null,
    writeWal(wal) {
      disk.putContent(file(walFile), wal, clock.wall());
      written(walFile);
    },
    slots() {
      const found = node('pg_replslot/slots.sim')?.content as Map<string, SimSlot> | undefined;
      if (found !== undefined) return found;
      const slots = new Map<string, SimSlot>();
      disk.putContent(file('pg_replslot/slots.sim'), slots, clock.wall());
      written('pg_replslot/slots.sim');
      return slots;
    },
    has: (name) => disk.get(file(name)) !== null,
    text: (name) => node(name)?.text ?? null,
    put(name, text) {
      disk.put(file(name), text, 0o600, clock.wall());
      written(name);
    },
    remove: (name) => disk.remove(file(name)),
    sync: (name) => (name === undefined ? disk.syncBelow(path) : disk.sync(file(name))),
  };
}

const controlText = (control: Control): string =>
  JSON.stringify(control, (_key, value) => (typeof value === 'bigint' ? lsnText(lsnOf(value)) : value));

function readControl(text: string): Control {
  const raw = JSON.parse(text) as Control & { checkpoint: string; minRecoveryEnd: string };
  return { ...raw, checkpoint: lsnOf(parse(raw.checkpoint)), minRecoveryEnd: lsnOf(parse(raw.minRecoveryEnd)) };
}

const parse = (text: string): bigint => {
  const [high, low] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
};

/** What pg_controldata 15 prints. */
export function controldataText(control: Control): string {
  const at = (lsn: bigint): string => lsnText(lsnOf(lsn));
  const lines: readonly (readonly [string, string | number])[] = [
    ['pg_control version number', 1300],
    ['Catalog version number', 202209061],
    ['Database system identifier', control.systemId],
    ['Database cluster state', control.state],
    ['pg_control last modified', 'Tue Jan  1 00:00:00 2030'],
    ['Latest checkpoint location', at(control.checkpoint)],
    ["Latest checkpoint's REDO location", at(control.checkpoint)],
    ["Latest checkpoint's REDO WAL file", walFileName(control.timeline, control.checkpoint)],
    ["Latest checkpoint's TimeLineID", control.timeline],
    ["Latest checkpoint's PrevTimeLineID", control.previousTimeline],
    ["Latest checkpoint's full_page_writes", 'on'],
    ["Latest checkpoint's NextXID", '0:724'],
    ['Minimum recovery ending location', at(control.minRecoveryEnd)],
    ["Min recovery ending loc's timeline", control.minRecoveryEndTimeline],
    ['Backup start location', '0/0'],
    ['Backup end location', '0/0'],
    ['End-of-backup record required', 'no'],
    ['wal_level setting', 'replica'],
    ['wal_log_hints setting', control.walLogHints ? 'on' : 'off'],
    ...Object.entries(control.recorded).map(([name, value]) => [`${name} setting`, value] as const),
    ['track_commit_timestamp setting', 'off'],
    ['Bytes per WAL segment', 16777216],
    ['Data page checksum version', control.checksums ? 1 : 0],
  ];
  return lines.map(([name, value]) => `${`${name}:`.padEnd(38)}${value}`).join('\n');
}

/** The logs of all data directories of a disk. */
export const walsOn = (disk: Machine['disk']): readonly Wal[] =>
  disk.contents().flatMap(([path, content]) => (path.endsWith(`/${walFile}`) ? [content as Wal] : []));

/**
 * What a server finds whose predecessor crashed. A standby's receiver writes what it gets; of a primary the latest may have been
 * in its buffers alone. The first thing that a server does then is to sync the whole directory.
 */
export function afterCrash(wal: Wal, { state }: Control, chance: SeededChance): void {
  if (wal.end === wal.flushed) return;
  const wasStandby = state === 'in archive recovery' || state === 'shut down in recovery';
  if (!wasStandby && chance.happens(0.5)) truncate(wal, wal.flushed);
  wal.flushed = wal.end;
}

/** What a single-user server with nothing to do leaves behind: a clean end. */
export function recoverInPlace(dir: DataDir, control: Control, wal: Wal, chance: SeededChance): void {
  afterCrash(wal, control, chance);
  const start = wal.end;
  append(wal, { kind: 'shutdown' }, 120);
  wal.flushed = wal.end;
  dir.writeControl({
    ...control,
    state: 'shut down',
    ...checkpointAt(wal.timeline, start),
    ...noMinimum,
  });
}

/** What a checkpoint writes down of itself. */
export const checkpointAt = (timeline: number, start: bigint) => ({ timeline, checkpoint: start });
/** A server in production has no point that it must recover to first. */
export const noMinimum = { minRecoveryEnd: 0n, minRecoveryEndTimeline: 0 } as const;

/** backup_label names the checkpoint where recovery begins, whatever the control file says. */
export const labelText = ({ timeline, checkpoint }: Pick<Control, 'timeline' | 'checkpoint'>): string =>
  `CHECKPOINT LOCATION: ${lsnText(lsnOf(checkpoint))}\nSTART TIMELINE: ${timeline}\n`;
export function fromLabel(dir: DataDir, control: Control): Control {
  const label = dir.text('backup_label') ?? '';
  const at = /CHECKPOINT LOCATION: (\S+)/.exec(label)?.[1];
  const timeline = Number(/START TIMELINE: (\d+)/.exec(label)?.[1]);
  return at === undefined ? control : { ...control, ...checkpointAt(timeline, parse(at)) };
}

export const freshControl = (systemId: string, checksums: boolean, checkpoint: bigint): Control => ({
  systemId,
  state: 'shut down',
  timeline: toTimeline(1),
  previousTimeline: 1,
  checkpoint,
  minRecoveryEnd: 0n,
  minRecoveryEndTimeline: 0,
  checksums,
  walLogHints: false,
  recorded: {
    max_connections: 100,
    max_worker_processes: 8,
    max_wal_senders: 10,
    max_prepared_xacts: 0,
    max_locks_per_xact: 64,
  },
});
