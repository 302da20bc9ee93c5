import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { askAgent, parsed } from '../ask.ts';
import type { Ground, Machine } from '../ground.ts';
import type { LabNode } from '../node.ts';
import { until } from '../run.ts';
import { library, offsetFile } from './fakeClock.ts';

/**
 * Wall clocks of agents and PostgreSQL that can be set, by libfaketime. etcd, a Go program without a C library, and the witness
 * go by the true one, as does the host.
 */

/** Throws why a lab cannot have clocks that are set. */
export function refuseFakeClocks(kind: Ground['kind']): void {
  if (kind === 'loopback') throw new Error("without machines there are no clocks to set: they are the host's");
  if (!existsSync(library)) throw new Error('libfaketime is not installed: apt-get install faketime');
}

/** Done when the agent's own word, and the server's, show that they took it; what does not run takes it when it starts. */
export async function setClock(node: LabNode, byMs: number): Promise<void> {
  const { name, machine } = node;
  const seconds = byMs / 1_000;
  writeFileSync(machine.hostPath(offsetFile), `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 });
  const goesByIt = (seenMs: number | null): boolean =>
    seenMs !== null && Math.abs(seenMs - Date.now() - byMs) < agreesMs;
  const takenBy = (who: string, look: () => Promise<boolean>): Promise<void> =>
    until(async () => ((await look()) ? true : null), takenLimitMs, 250).then((taken) => {
      if (taken === null) throw new Error(`the ${who} of ${name} does not go by the clock that was set`);
    });
  // What ends meanwhile is waited for no longer: others wait for this one's turn to be over.
  await takenBy('agent', async () => {
    if (node.process('agent')?.state !== 'running') return true;
    return goesByIt(lastSeenMs(parsed(await askAgent(machine, '/patroni', 1_000))));
  });
  await takenBy('server', async () => {
    if (!machine.isOn()) return true;
    const text = 'select extract(epoch from clock_timestamp()) * 1000';
    const argv = ['psql', '-h', machine.plan.paths.socketDir, '-AtXq', '-c', text];
    const ran = await node.exec(argv, { user: 'postgres', limitMs: 5_000 });
    // One that takes nobody in goes by it when it does: it reads the file as it starts.
    return ran.code !== 0 || goesByIt(Number(ran.stdout));
  });
}

/** By how much a machine's clock was set wrong. */
export function clockByMs(machine: Machine): number {
  try {
    return Number(readFileSync(machine.hostPath(offsetFile), 'utf8')) * 1_000 || 0;
  } catch {
    return 0; // nobody ever set it
  }
}

/** It says when it last saw etcd, by its wall clock in whole seconds; a look may be a while ago. */
const agreesMs = 60_000;
const takenLimitMs = 30_000;

function lastSeenMs(answer: unknown): number | null {
  const there = typeof answer === 'object' && answer !== null && 'dcs_last_seen' in answer;
  return there ? Number(answer.dcs_last_seen) * 1_000 : null;
}
