import { must } from '../configure.ts';
import { type JobContext, type PostgresParts, toolEnv } from '../parts.ts';

const segmentLimitMs = 60_000;

/**
 * pg_rewind takes away what its source does not have: segments, too, that nobody has archived yet, and that nobody else may
 * have any more. They are archived before, by the operator's command, as the archiver would. An archive that does not take
 * them does not keep this node from coming back: what it had alone is lost to the cluster either way.
 */
export async function archiveReady(parts: PostgresParts, { signal }: Pick<JobContext, 'signal'>): Promise<void> {
  const { files, processes } = parts.world;
  const places = parts.places();
  const { archive_mode: mode, archive_command: command } = parts.settings().postgres.parameters;
  if ((mode !== 'on' && mode !== 'always') || command === undefined || command === '') return;
  const status = `${places.dataDir}/pg_wal/archive_status`;
  const listing = await files.list(status);
  const ready = listing.kind === 'entries' ? listing.names.filter((name) => name.endsWith('.ready')).sort() : [];
  for (const name of ready) {
    if (signal.aborted) return;
    const segment = name.slice(0, -'.ready'.length);
    const text = command.replace(/%([pf%])/g, (_, one) =>
      one === 'p' ? `pg_wal/${segment}` : one === 'f' ? segment : '%',
    );
    const shell = { program: '/bin/sh', args: ['-c', text], cwd: places.dataDir, env: toolEnv(places) };
    const finished = await processes.run(shell, segmentLimitMs, signal);
    if (finished.kind !== 'exited' || finished.code !== 0) {
      const how = finished.kind === 'exited' ? `exit code ${finished.code}` : finished.kind;
      parts.note('warning', `${segment} could not be archived before the rewind`, [['archive_command', how]]);
      return;
    }
    await must(files.rename(`${status}/${name}`, `${status}/${segment}.done`));
    parts.step('rewind', 'archived what was ready', [['segment', segment]]);
  }
}
