import { standsStill } from '../../src/lab/procfs.ts';

/** SIGSTOP, and done when every thread stands still: one may still answer while the others stand. Ended by SIGCONT. */
export async function freeze(...pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  while (!pids.every(standsStill)) await new Promise((resolve) => setTimeout(resolve, 1));
}
