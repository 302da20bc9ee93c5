import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { askAgent, parsed } from '../ask.ts';
import type { Machine } from '../ground.ts';
import type { LabNode } from '../node.ts';
import { until } from '../run.ts';

/** Wall clocks of agents that can be set, by libfaketime; nobody else on the machine sees them, nor does the host. */

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
/** On the machine; read again by the agent about once a second. */
const offsetFile = '/tmp/clock-offset';

/** For the agent's environment. Clocks that never step, from which leases are counted, stay true. */
export function fakeClockEnv(): Readonly<Record<string, string>> {
  if (!existsSync(library)) throw new Error('libfaketime is not installed: apt-get install faketime');
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_RESET: '1',
  };
}

/** Done when the agent's own word shows that it took it; one that does not run takes it when it starts. */
export async function setClock(node: LabNode, byMs: number): Promise<void> {
  const { name, machine } = node;
  const seconds = byMs / 1_000;
  writeFileSync(machine.hostPath(offsetFile), `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 });
  if (node.process('agent')?.state !== 'running') return;
  const taken = await until(
    async () => {
      const seen = lastSeenMs(parsed(await askAgent(machine, '/patroni', 1_000)));
      return seen !== null && Math.abs(seen - Date.now() - byMs) < agreesMs ? true : null;
    },
    takenLimitMs,
    250,
  );
  if (taken === null) throw new Error(`the agent of ${name} does not go by the clock that was set`);
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
