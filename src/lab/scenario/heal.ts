import { setClock } from '../faults/clocks.ts';
import { giveBackConnections } from '../faults/connections.ts';
import { relieve, unrenice } from '../faults/cpu.ts';
import { freeDisk } from '../faults/disk.ts';
import type { LabNode } from '../node.ts';
import type { Service } from '../services.ts';
import { clearSideWork } from './sideWork.ts';
import type { Theatre } from './theatre.ts';

const fitLimitMs = 60_000;

/** Mended and healthy: another scenario may follow. */
export async function isFitAgain(theatre: Theatre, say: (line: string) => void): Promise<boolean> {
  try {
    await healAll(theatre);
    const { leader } = await theatre.lab.waitHealthy(fitLimitMs);
    await clearSideWork(theatre.lab, leader ?? '');
    return true;
  } catch (error) {
    say(`the lab does not get healthy again: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Everything that a scenario may have left broken is whole again; what cannot be mended is found out by waiting for health. */
async function healAll({ lab, witnesses }: Theatre): Promise<void> {
  lab.slowDisks.end();
  for (const node of [...lab.nodes, lab.client]) {
    const { machine } = node;
    const wasOn = machine.isOn();
    await node.powerOn();
    if (!wasOn && machine.plan.kind === 'node') await witnesses.start(node.name);
    await machine.loseNothing();
    await node.heal();
    relieve(node);
    if (machine.plan.kind === 'node') {
      freeDisk(node);
      giveBackConnections(node);
    }
    for (const service of servicesOf(node)) await bringBack(node, service);
    if (machine.plan.kind === 'node' && lab.plan.fakeClocks) await setClock(node, 0);
  }
}

const servicesOf = ({ machine }: LabNode): readonly Service[] =>
  machine.plan.kind === 'client'
    ? ['haproxy']
    : ['postgres', 'sentinel', 'guardian', ...(machine.plan.etcd ? (['etcd'] as const) : []), 'agent'];

async function bringBack(node: LabNode, service: Service): Promise<void> {
  const proc = node.process(service);
  if (proc !== null) {
    unrenice(proc);
    return node.thaw(service);
  }
  if (['etcd', 'agent', 'haproxy'].includes(service)) await node.start(service);
}
