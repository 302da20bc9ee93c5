import { setStandbySignal } from '../configure.ts';
import { clearOrphans } from '../launch.ts';
import {
  cancelled,
  failed,
  type JobContext,
  type JobResult,
  type PostgresParts,
  succeeded,
  toolEnv,
} from '../parts.ts';
import { findPostmaster } from '../postmaster.ts';
import { clearStaleLocks } from '../staleLocks.ts';

const limitMs = 6 * 3_600_000;

/**
 * Brings an unclean end to a clean one without accepting a connection: a single-user server with nothing to do. Segments
 * not archived yet stay, and nothing is archived meanwhile. A restored backup is left to PostgreSQL itself.
 */
export async function crashRecovery(parts: PostgresParts, context: JobContext): Promise<JobResult> {
  const { world } = parts;
  const places = parts.places();
  if ((await findPostmaster(world, places)) !== null) return failed('a postmaster runs on the data directory');
  if ((await world.files.stat(places.backupLabel)).kind === 'file')
    return failed('backup_label is there: PostgreSQL must recover this backup itself');
  await clearOrphans(parts);
  await clearStaleLocks(parts);
  await setStandbySignal(parts, false);
  const args = [
    '--single',
    '-D',
    places.dataDir,
    `--config-file=${places.conf}`,
    '-c',
    'archive_mode=on',
    '-c',
    'archive_command=false',
    '-c',
    'synchronous_standby_names=',
    'template1',
  ];
  const finished = await world.processes.run(
    { program: places.program('postgres'), args, env: toolEnv(places), input: '' },
    limitMs,
    context.signal,
  );
  if (finished.kind === 'exited' && finished.code === 0) return succeeded;
  if (finished.kind === 'cancelled') return cancelled;
  return failed(
    `single-user recovery: ${finished.kind === 'failed' ? finished.why : finished.stderr.trim().slice(-400)}`,
  );
}
