import { type Pid, pid } from '../../model/units.ts';

/** postmaster.pid, line by line. Lines appear as the postmaster comes up. */
export interface PostmasterPid {
  readonly pid: Pid;
  readonly dataDir: string;
  readonly startedS: number;
  readonly port: number | null;
  readonly socketDir: string | null;
  readonly status: 'starting' | 'stopping' | 'ready' | 'standby' | null;
}

/** Null for what is no pid file of a postmaster: empty, half written, or of a single-user server (negative pid). */
export function readPostmasterPid(text: string): PostmasterPid | null {
  const [first = '', dataDir = '', started = '', port = '', socketDir = '', , , status = ''] = text
    .split('\n')
    .map((line) => line.trim());
  const number = Number(first);
  if (!Number.isInteger(number) || number <= 0 || !/^\d+$/.test(started)) return null;
  const word = (['starting', 'stopping', 'ready', 'standby'] as const).find((one) => one === status) ?? null;
  return {
    pid: pid(number),
    dataDir,
    startedS: Number(started),
    port: /^\d+$/.test(port) ? Number(port) : null,
    socketDir: socketDir === '' ? null : socketDir,
    status: word,
  };
}
