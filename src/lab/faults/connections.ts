import type { LabNode } from '../node.ts';
import { type Proc, signal } from '../procfs.ts';

const limitMs = 60_000;
const holds = 'select pg_sleep(3600)';

/** Sessions of that kind are there, be there a connection left or not. */
export const holdsConnections = (procs: readonly Proc[]): boolean => procs.some(isHolder);
const isHolder = ({ argv }: Proc): boolean => argv.includes(holds);

/** Sessions of the superuser over the socket, so that the reserved connections go as well; done when nobody gets in any more. */
export async function useUpConnections(node: LabNode): Promise<void> {
  const { socketDir } = node.machine.plan.paths;
  const sleep = `psql -h ${socketDir} -XAtqc "${holds}"`;
  const open = `setsid ${sleep} >/dev/null 2>&1 </dev/null &`;
  const isFull = `psql -h ${socketDir} -XAtqc "select 1" 2>&1 | grep -qE "too many clients|connection slots are reserved"`;
  const script = `for n in $(seq 200); do ${open} sleep 0.05; test $((n % 10)) -ne 0 || ! ${isFull} || exit 0; done; exit 1`;
  // Else a backend that sleeps would not notice for an hour that its client is gone.
  const env = { PGOPTIONS: '-c client_connection_check_interval=500' };
  const ran = await node.exec(['sh', '-c', script], { user: 'postgres', limitMs, env });
  if (ran.code !== 0) throw new Error(`there are connections left at ${node.name}: ${ran.stderr.trim()}`);
}

export function giveBackConnections({ machine }: LabNode): void {
  for (const { pid } of machine.processes().filter(isHolder)) signal(pid, 'SIGTERM');
}
