import { existsSync, writeFileSync } from 'node:fs';
import { askAgent, parsed } from '../ask.ts';
import type { LabNode } from '../node.ts';
import type { PlanOptions } from '../plan.ts';
import { until } from '../run.ts';
import { merge } from '../texts.ts';
import { fakeClockEnv, library, offsetFile, postgresByFakeClock } from './fakeClock.ts';

/**
 * Wall clocks of agents and PostgreSQL that can be set, by libfaketime. etcd, a Go program without a C library, and the witness
 * go by the true one, as does the host.
 */

/** For labs whose clocks can be set. */
export function withFakeClocks(
  config: Readonly<Record<string, unknown>>,
): Required<Pick<PlanOptions, 'agentEnv' | 'extraConfig'>> {
  if (!existsSync(library)) throw new Error('libfaketime is not installed: apt-get install faketime');
  const server = { postgresql: { bin_dir: postgresByFakeClock } };
  return { agentEnv: fakeClockEnv, extraConfig: () => merge(server, config) };
}

/** Done when the agent's own word, and the server's, show that they took it. */
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
  await takenBy('agent', async () => goesByIt(lastSeenMs(parsed(await askAgent(machine, '/patroni', 1_000)))));
  await takenBy('server', async () => {
    const text = 'select extract(epoch from clock_timestamp()) * 1000';
    const argv = ['psql', '-h', machine.plan.paths.socketDir, '-AtXq', '-c', text];
    const ran = await node.exec(argv, { user: 'postgres', limitMs: 5_000 });
    // One that takes nobody in goes by it when it does: it reads the file as it starts.
    return ran.code !== 0 || goesByIt(Number(ran.stdout));
  });
}

/** It says when it last saw etcd, by its wall clock in whole seconds; a look may be a while ago. */
const agreesMs = 60_000;
const takenLimitMs = 30_000;

function lastSeenMs(answer: unknown): number | null {
  const there = typeof answer === 'object' && answer !== null && 'dcs_last_seen' in answer;
  return there ? Number(answer.dcs_last_seen) * 1_000 : null;
}
