import { basename } from 'node:path';
import type { Proc } from './procfs.ts';

export const services = ['postgres', 'agent', 'guardian', 'sentinel', 'etcd', 'haproxy'] as const;
export type Service = (typeof services)[number];

export const isService = (text: string): text is Service => services.some((service) => service === text);

/**
 * The main process of a service among those of one machine; the eldest where several look like it.
 * Recognised by what runs, not by remembered pids: agents and guardians start each other anew.
 */
export function mainProcess(service: Service, procs: readonly Proc[], agentShell: string): Proc | null {
  const matches = procs.filter((proc) => isMain(service, proc, procs, agentShell));
  return matches.toSorted((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)[0] ?? null;
}

/** The main process and, for PostgreSQL, its children: frozen together, thawed together. */
export function wholeService(service: Service, procs: readonly Proc[], agentShell: string): readonly Proc[] {
  const main = mainProcess(service, procs, agentShell);
  if (main === null) return [];
  return service === 'postgres' ? [main, ...procs.filter(({ parent }) => parent === main.pid)] : [main];
}

export function serviceStates(
  wanted: readonly Service[],
  procs: readonly Proc[],
  agentShell: string,
): Readonly<Partial<Record<Service, 'running' | 'frozen' | 'stopped'>>> {
  const entries = wanted.map((service) => {
    const main = mainProcess(service, procs, agentShell);
    return [service, main === null ? 'stopped' : main.state === 'stopped' ? 'frozen' : 'running'] as const;
  });
  return Object.fromEntries(entries);
}

function isMain(service: Service, proc: Proc, procs: readonly Proc[], agentShell: string): boolean {
  const names = proc.argv.map((arg) => basename(arg));
  switch (service) {
    case 'postgres':
      return isPostmaster(proc, procs);
    case 'etcd':
    case 'haproxy':
      return proc.name === service;
    case 'guardian':
      return names.includes('guardian.js');
    case 'sentinel':
      return names.includes('sentinel.sh');
    case 'agent': {
      if (names.includes('guardian.js') || ['sh', 'dash', 'bash'].includes(proc.name)) return false;
      const words = agentShell.split(/\s+/).map((word) => basename(word));
      return words.length > 0 && words.every((word) => names.includes(word));
    }
    default:
      return service satisfies never;
  }
}

/** Not a backend (its title says "postgres: …"), nor the short-lived modes that initdb and pg_rewind use. */
function isPostmaster(proc: Proc, procs: readonly Proc[]): boolean {
  if (proc.name !== 'postgres' || basename(proc.argv[0] ?? '') !== 'postgres') return false;
  if (proc.argv.some((arg) => ['--single', '--boot', '--check', '-C', '-V', '--version'].includes(arg))) return false;
  return !procs.some(({ pid, name }) => pid === proc.parent && name === 'postgres');
}
