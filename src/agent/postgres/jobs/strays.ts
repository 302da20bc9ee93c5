import { must } from '../configure.ts';
import type { PostgresParts } from '../parts.ts';

/**
 * A tool outlives the agent that is killed beside it, with all that it started, be it an operator's or pg_basebackup: it would go on to
 * write into a directory that the next agent empties, or empty what that one has copied. They are known by where they work, since nothing else is left of them.
 */
const placeOf = (parts: PostgresParts): string => `${parts.places().stateDir}/copying`;
const tries = 250;
const pauseMs = 20;

/** Where such a tool is to be begun. */
export async function workplace(parts: PostgresParts): Promise<string> {
  await must(parts.world.files.makeDirectory(placeOf(parts), 0o700));
  return placeOf(parts);
}

/** Whoever works there is ended. Null: nobody does any more; else why not. */
export async function endStrays(parts: PostgresParts): Promise<string | null> {
  const { processes, clock } = parts.world;
  const atWork = () => processes.withWorkingDirectory(placeOf(parts)).filter(({ state }) => state !== 'dead');
  for (const { pid, commandLine } of atWork())
    parts.note('warning', 'a tool that made a copy was still at work: it is ended', [
      ['pid', pid],
      ['command', commandLine.slice(0, 200)],
    ]);
  for (let at = 0; at < tries; at += 1) {
    const left = atWork();
    if (left.length === 0) return null;
    // Stopped first, so that none begins another in between.
    for (const { pid } of left) processes.signal(pid, 'STOP');
    for (const { pid } of left) processes.signal(pid, 'KILL');
    await clock.sleep(pauseMs);
  }
  const pids = atWork().map(({ pid }) => pid);
  return `a tool that made a copy does not end (${pids.join(', ')}), and may write into ${parts.places().dataDir} still: end it`;
}
