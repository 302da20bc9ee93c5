import { existsSync } from 'node:fs';
import type { PartPicture } from '../../model/part.ts';
import type { Machine } from '../ground.ts';
import type { Proc } from '../procfs.ts';
import { mainProcess } from '../services.ts';
import { clockByMs } from './clocks.ts';
import { holdsConnections } from './connections.ts';
import { filler, isTraced } from './disk.ts';

/** Parts of a machine that can be hurt while everything on it seems to run: looked at, whoever hurt them. */
export function partsOf(
  machine: Machine,
  procs: readonly Proc[],
  { agentShell, fakeClock }: { readonly agentShell: string; readonly fakeClock: boolean },
): readonly PartPicture[] {
  const part = (name: PartPicture['part'], hurt: string | null, locked: string | null = null): PartPicture => ({
    part: name,
    hurt,
    locked,
  });
  const traced = (service: 'etcd' | 'postgres'): boolean => {
    const main = mainProcess(service, procs, agentShell);
    return main !== null && isTraced(main.pid);
  };
  const { kind, plan } = machine;
  const ofNode = plan.kind === 'node';
  return [
    ...(kind === 'namespaces' ? [part('cable', deafness(machine))] : []),
    ...(ofNode && kind === 'namespaces' ? [part('disk', existsSync(machine.hostPath(filler)) ? 'full' : null)] : []),
    ...(plan.etcd ? [part('etcdDisk', traced('etcd') ? 'slow' : null)] : []),
    ...(ofNode ? [part('walDisk', traced('postgres') ? 'hangs' : null)] : []),
    ...(ofNode && kind === 'namespaces' ? [part('connections', holdsConnections(procs) ? 'used up' : null)] : []),
    ...(ofNode && kind === 'namespaces'
      ? [fakeClock ? part('clock', clockWord(clockByMs(machine))) : part('clock', null, 'lab up --fake-clocks')]
      : []),
  ];
}

function deafness(machine: Machine): string | null {
  const words = machine.losing().map((direction) => (direction === 'in' ? 'deaf' : 'mute'));
  return words.length === 0 ? null : words.toSorted().join(' and ');
}

function clockWord(byMs: number): string | null {
  if (byMs === 0) return null;
  const minutes = Math.round(Math.abs(byMs) / 60_000);
  return `${minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`} ${byMs > 0 ? 'ahead' : 'behind'}`;
}
