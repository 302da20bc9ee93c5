import { getPriority, setPriority } from 'node:os';
import type { Lab } from '../lab.ts';
import type { LabNode } from '../node.ts';
import { type Proc, signal } from '../procfs.ts';
import { run, until } from '../run.ts';
import type { Service } from '../services.ts';

const threads = 10;

/** `sysbench cpu` on a machine until it is relieved. The machines of a lab share the host's cores: it hurts all of them. Done twice it is done once. */
export async function saturate(lab: Lab, node: LabNode): Promise<void> {
  if (busy(node).length > 0) return;
  if ((await run(['sh', '-c', 'command -v sysbench'])).code !== 0)
    throw new Error('sysbench is not installed: apt-get install sysbench');
  const argv = ['sysbench', 'cpu', `--threads=${threads}`, '--time=0', 'run'];
  await node.machine.launch(argv, { user: 'postgres', logPath: lab.logPath(node.name, 'sysbench') });
  const begun = await until(() => (busy(node).length > 0 ? true : null), 5_000);
  if (begun === null) throw new Error(`sysbench does not run on ${node.name}`);
}

export function relieve(node: LabNode): void {
  for (const { pid } of busy(node)) signal(pid, 'SIGKILL');
}

export const isSaturated = (procs: readonly Proc[]): boolean => procs.some(isBurner);

const busy = (node: LabNode) => node.machine.processes().filter(isBurner);
const isBurner = ({ name }: Proc): boolean => name === 'sysbench';

/** The least weight that the scheduler knows. */
export function renice(node: LabNode, service: Service): void {
  const proc = node.process(service);
  if (proc === null) throw new Error(`${service} does not run on ${node.name}`);
  setPriority(proc.pid, 19);
}

/** The usual weight again. */
export function unrenice({ pid }: Pick<Proc, 'pid'>): void {
  if (getPriority(pid) === 19) setPriority(pid, 0);
}
