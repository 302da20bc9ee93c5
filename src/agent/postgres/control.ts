import { readControldata } from '../../codec/postgres/controldata.ts';
import type { ControlData } from '../../model/postgres.ts';
import type { PatientDisk } from './disk.ts';
import type { PostgresParts } from './parts.ts';

const limitMs = 2_000;
/** One that hangs at the disk does not end when it is killed. */
const endMs = 300;
/**
 * After this long without a change the file is what its stamp says: the kernel's clock for files ticks every 1 to 10 ms. On a
 * disk that hangs, a write may be stamped long before it is there, which is what `forget` is for.
 */
const settledMs = 20;
/** Where the file system keeps whole seconds only. */
const coarselySettledMs = 2_100;

export interface ControlReader {
  /** A text: why it cannot be told. */
  read(): Promise<ControlData | string>;
  /** The server is gone: what it left behind is read once more. */
  forget(): void;
}

/**
 * What the control file says, by pg_controldata. A start of that program for each look weighs most while PostgreSQL stops
 * and somebody takes over, so it is only asked again once the file has changed.
 */
export function makeControlReader(parts: PostgresParts, disk: PatientDisk): ControlReader {
  const { clock, processes } = parts.world;
  let known: { readonly stamp: string; readonly control: ControlData } | null = null;
  /** Counts what was forgotten: a reading that began before is not remembered. */
  let forgotten = 0;

  /** Null: what is read now may be changed without a trace. */
  async function stampOf(path: string): Promise<string | null> {
    const file = await disk.files.stat(path);
    if (file.kind !== 'file') return null;
    const needsMs = file.modifiedWallMs % 1_000 === 0 ? coarselySettledMs : settledMs;
    return clock.wall() - file.modifiedWallMs > needsMs ? `${path} ${file.stamp}` : null;
  }

  async function read(): Promise<ControlData | string> {
    const since = forgotten;
    const places = parts.places();
    const stamp = await stampOf(places.control);
    if (stamp !== null && known?.stamp === stamp) return known.control;
    known = null;
    const command = { program: places.program('pg_controldata'), args: [places.dataDir], env: { LC_ALL: 'C' } };
    const finished = await disk.within(() => processes.run(command, limitMs), limitMs + endMs);
    if (finished === undefined) return 'pg_controldata: the disk does not answer';
    if (finished.kind !== 'exited')
      return `pg_controldata: ${finished.kind === 'failed' ? finished.why : finished.kind}`;
    const control = finished.code === 0 ? readControldata(finished.stdout) : null;
    if (control === null) return `pg_controldata: ${finished.stderr.trim() || 'its output was not understood'}`;
    if (stamp !== null && forgotten === since) known = { stamp, control };
    return control;
  }

  return {
    read,
    forget() {
      known = null;
      forgotten += 1;
    },
  };
}
