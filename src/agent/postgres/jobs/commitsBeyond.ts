import { commitsIn } from '../../../codec/postgres/waldump.ts';
import type { Divergence } from '../../../model/job.ts';
import { lsnText } from '../../../model/units.ts';
import { type PostgresParts, toolEnv } from '../parts.ts';

/** Reading it takes well under a second; whoever lost more is told so in bytes, for the repair must not wait. */
const bytesMax = 64n * 1024n * 1024n;
const limitMs = 5_000;

/** How many transactions are given up with what lies beyond the fork: asked before a rewind takes that WAL away. */
export async function withCommits(
  parts: PostgresParts,
  verdict: Extract<Divergence, { kind: 'diverged' }>,
): Promise<Divergence> {
  const { forkLsn, myLsn, forkTimeline, forkUnknown } = verdict;
  if (forkUnknown === true || myLsn <= forkLsn || myLsn - forkLsn > bytesMax) return verdict;
  const places = parts.places();
  const args = [
    ...['--path', `${places.dataDir}/pg_wal`, '--timeline', String(forkTimeline), '--start', lsnText(forkLsn)],
    ...['--rmgr', 'Transaction', '--stats=record'],
  ];
  const command = { program: places.program('pg_waldump'), args, env: toolEnv(places) };
  const finished = await parts.world.processes.run(command, limitMs);
  const commits = finished.kind === 'exited' ? commitsIn(finished.stdout) : null;
  return commits === null ? verdict : { ...verdict, commits };
}
