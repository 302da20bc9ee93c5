import { pid as pidOf } from '../../model/units.ts';
import type { PostgresParts } from './parts.ts';
import { findPostmaster, isServer, orphansOf } from './postmaster.ts';

/** A server that begins writes its file in the moment that it makes it. */
const writtenMs = 200;

/**
 * One that was killed between making its lock file and writing it leaves an empty one, which no PostgreSQL touches: it says so, and
 * never starts again.
 */
async function clearEmpty(parts: PostgresParts, path: string): Promise<void> {
  const { clock, files } = parts.world;
  await clock.sleep(writtenMs);
  const file = await files.read(path);
  if (file.kind !== 'text' || file.text.trim() !== '' || orphansOf(parts.world, parts.places()).length > 0) return;
  parts.note('warning', 'an empty lock file, of a server that was killed as it began: removed', [['file', path]]);
  await files.forget(path);
}

/**
 * After a power cut the number in a lock file may belong to somebody else by now, and PostgreSQL, which only asks whether
 * that number lives, refuses to start for as long as it does. Called when no server runs on the data directory.
 */
export async function clearStaleLocks(parts: PostgresParts): Promise<void> {
  const { files, processes } = parts.world;
  const places = parts.places();
  const { local, postgres } = parts.settings();
  if ((await findPostmaster(parts.world, places)) !== null) return;
  const socketDirs = (postgres.parameters.unix_socket_directories ?? '/var/run/postgresql')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one.startsWith('/'));
  const locks = socketDirs.map((dir) => `${dir}/.s.PGSQL.${local.postgres.port}.lock`);
  for (const path of [places.pidFile, ...locks]) {
    const file = await files.read(path);
    if (file.kind === 'text' && file.text.trim() === '') {
      await clearEmpty(parts, path);
      continue;
    }
    const named = file.kind === 'text' ? Math.abs(Number.parseInt(file.text, 10)) : Number.NaN;
    if (!Number.isSafeInteger(named) || named < 2) continue;
    const holder = processes.describe(pidOf(named));
    if (holder === null || holder.state === 'dead') continue; // PostgreSQL sees that for itself
    const isOther = holder.executable !== null && !isServer(holder.executable);
    // Another server's socket is none of ours; a data directory in which no server works has no other owner.
    const isElsewhere = path === places.pidFile && holder.cwd !== null && holder.cwd !== places.dataDir;
    if (!isOther && !isElsewhere) continue;
    parts.note('warning', 'a lock file of a dead server names a process that is no such server: removed', [
      ['file', path],
      ['pid', named],
      ['process', holder.commandLine.slice(0, 80)],
    ]);
    await files.forget(path);
  }
}
