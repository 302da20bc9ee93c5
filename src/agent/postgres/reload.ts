import type { ControlData } from '../../model/postgres.ts';
import type { Pid } from '../../model/units.ts';
import { configure, type Role } from './configure.ts';
import { hbaIsTaken, hbaMistakes, takeHbaBack } from './hba.ts';
import type { PostgresParts } from './parts.ts';
import { ownTarget, runOnce } from './sessions.ts';
import { fileMistakes, wrongHbaLines } from './statements.ts';

const limitMs = 1_000;

/** Writes the files for a role and has the server read them, if anything changed or `always`. Answers whether it did. */
export async function reload(
  parts: PostgresParts,
  pid: Pid,
  role: Role,
  control: ControlData | null,
  always: boolean,
): Promise<boolean> {
  const changed = await configure(parts, role, control);
  if (!changed && !always) return false;
  // A name that the server does not know would keep it from taking all the rest.
  if (await hasMistakes(parts)) await configure(parts, role, control);
  if (parts.hba.before !== null) await judgeHba(parts);
  parts.world.processes.signal(pid, 'HUP');
  return changed;
}

/** What the server would not take from its files. True: some of it is ours, and left out from now on. */
async function hasMistakes(parts: PostgresParts): Promise<boolean> {
  const result = await runOnce(parts.world.sql, ownTarget(parts.settings(), 'Patroni'), [fileMistakes], limitMs);
  const rows = result.kind === 'rows' ? result.rows : [];
  const { conf } = parts.places();
  const ours = rows
    .filter(({ file }) => file === conf)
    .map(({ name, error }) => ({ name: name ?? '', why: error ?? '' }));
  if (parts.rejected.reject(ours).length > 0) return true;
  // In a file of the operator's, or a line that is none at all: the server says so in its own log only.
  for (const row of rows)
    parts.note('error', `${row.file}: ${row.name ?? 'a line'} is not taken: ${row.error}`, [
      ['line', row.line ?? null],
    ]);
  return false;
}

/** The view reads the file that is there, not the rules in force. Without an answer it stays to be judged, at the latest by a start. */
async function judgeHba(parts: PostgresParts): Promise<void> {
  const result = await runOnce(parts.world.sql, ownTarget(parts.settings(), 'Patroni'), [wrongHbaLines], limitMs);
  if (result.kind !== 'rows') return;
  if (result.rows.length === 0) hbaIsTaken(parts);
  else await takeHbaBack(parts, hbaMistakes(result.rows));
}
