import { existsSync, writeFileSync } from 'node:fs';
import type { LabNode } from '../node.ts';

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

export function setClock({ machine }: LabNode, byMs: number): void {
  const seconds = byMs / 1_000;
  writeFileSync(machine.hostPath(offsetFile), `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 });
}
