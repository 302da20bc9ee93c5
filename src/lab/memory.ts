import { readFileSync } from 'node:fs';
import type { Lab } from './lab.ts';
import { descendantsOf } from './procfs.ts';
import type { LabStatus } from './status.ts';

/** What all processes of a lab hold together: a page that several of them share is counted once (PSS). */
export interface LabMemory {
  readonly pssMb: number;
  readonly processes: number;
}

/** `lab status` as it is told to other processes. */
export interface ToldStatus extends LabStatus {
  readonly memory: LabMemory;
}

/** Of the process that keeps the lab, which this has to be, and of everything on its machines. Takes a few ms a process. */
export function memoryOfLab({ nodes, client }: Pick<Lab, 'nodes' | 'client'>): LabMemory {
  // On loopback what is started in the background has the host's process 1 as its parent.
  const onMachines = [...nodes, client].flatMap(({ machine }) => machine.processes());
  const pids = new Set([process.pid, ...[...descendantsOf(process.pid), ...onMachines].map(({ pid }) => pid)]);
  const bytes = [...pids].reduce((sum, pid) => sum + pssBytes(pid), 0);
  return { pssMb: Math.round(bytes / 1e6), processes: pids.size };
}

/** 0: it has just ended. */
function pssBytes(pid: number): number {
  try {
    const [, kb = '0'] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(kb) * 1024;
  } catch {
    return 0;
  }
}
