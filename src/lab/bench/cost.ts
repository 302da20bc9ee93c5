import { readFileSync } from 'node:fs';
import type { Lab } from '../lab.ts';
import type { Identity, Proc } from '../procfs.ts';
import { delay } from '../run.ts';
import { mainProcess } from '../services.ts';
import { agentShellCommand } from '../texts.ts';
import type { Rest } from './words.ts';

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const bytesPerKb = 1024;
const mb = 1_000_000;

/** The agent, its guardian and sentinel, and what these started; without PostgreSQL, which some of them are parents of. */
export function agentProcesses(procs: readonly Proc[], agentShell: string): readonly Proc[] {
  const mains = (['agent', 'guardian', 'sentinel'] as const).flatMap(
    (service) => mainProcess(service, procs, agentShell) ?? [],
  );
  const own = new Map(mains.map((proc) => [proc.pid, proc]));
  // A child may stand before its parent in /proc: again until nothing is found.
  for (let before = -1; before !== own.size; ) {
    before = own.size;
    for (const proc of procs) if (own.has(proc.parent) && proc.name !== 'postgres') own.set(proc.pid, proc);
  }
  return [...own.values()];
}

export const agentProcessesOf = (lab: Lab, node: string): readonly Proc[] => {
  const { machine } = lab.node(node);
  return agentProcesses(machine.processes(), agentShellCommand(lab.plan, machine.plan));
};

/** Of all nodes, watched for a while during which the lab asks nothing of them. */
export async function watchRest(lab: Lab, seconds: number): Promise<readonly Rest[]> {
  const look = () => lab.nodes.map(({ name }) => ({ name, procs: agentProcessesOf(lab, name) }));
  const begun = look().map(({ name, procs }) => ({ name, procs, usedS: cpuSeconds(procs) }));
  await delay(seconds * 1_000);
  return look().map(({ name, procs }, at) => {
    const before = begun[at];
    // Small programs come and go; the eldest is the agent, and a new one would have begun to count from zero.
    if (before === undefined || eldest(before.procs) !== eldest(procs))
      throw new Error(`the agent on ${name} ended while it was at rest`);
    return {
      node: name,
      processes: procs.length,
      cpuSecondsPerMinute: ((cpuSeconds(procs) - before.usedS) * 60) / seconds,
      ...memoryOf(procs.map(({ pid }) => fileOf(pid, 'smaps'))),
    };
  });
}

const eldest = (procs: readonly Proc[]): number | undefined =>
  procs.toSorted((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)[0]?.pid;

/** Used so far, with what ended children used: a child that ends between two looks moves from its own account to its parent's. */
export function cpuSeconds(procs: readonly Identity[]): number {
  return procs.reduce((sum, { pid }) => sum + cpuOf(fileOf(pid, 'stat')), 0);
}

/** Empty: the process has just ended. */
function fileOf(pid: number, name: 'stat' | 'smaps'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** utime, stime, cutime and cstime: proc(5). The name before them may hold anything, parentheses too. */
export function cpuOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
}

/**
 * From /proc/PID/smaps of all processes of one node. PSS as smaps_rollup sums it; `aloneMb` counts the resident pages of
 * a file once for the node, as if nobody else had it mapped.
 */
export function memoryOf(smaps: readonly string[]): { readonly pssMb: number; readonly aloneMb: number } {
  let pssKb = 0;
  let ownKb = 0;
  const files = new Map<string, number>();
  for (const text of smaps) {
    const inThis = new Map<string, number>();
    for (const { path, kb } of mappings(text)) {
      const anonymous = kb('Anonymous');
      pssKb += kb('Pss');
      ownKb += anonymous;
      inThis.set(path, (inThis.get(path) ?? 0) + kb('Rss') - anonymous);
    }
    for (const [path, kb] of inThis) files.set(path, Math.max(files.get(path) ?? 0, kb));
  }
  const fileKb = [...files.values()].reduce((sum, kb) => sum + kb, 0);
  return { pssMb: (pssKb * bytesPerKb) / mb, aloneMb: ((ownKb + fileKb) * bytesPerKb) / mb };
}

function mappings(text: string) {
  return text
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((part) => part !== '')
    .map((part) => {
      const [head = '', ...lines] = part.split('\n');
      const sizes = new Map(lines.map((line) => [line.split(':')[0], Number(/:\s+(\d+) kB/.exec(line)?.[1] ?? 0)]));
      return { path: head.split(/\s+/).slice(5).join(' '), kb: (name: string) => sizes.get(name) ?? 0 };
    });
}
