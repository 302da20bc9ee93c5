import { setClock } from './faults/clocks.ts';
import { giveBackConnections, useUpConnections } from './faults/connections.ts';
import { relieve, saturate } from './faults/cpu.ts';
import { fillDisk, freeDisk } from './faults/disk.ts';
import type { Lab } from './lab.ts';
import type { LabNode } from './node.ts';

/** What may be done to a machine as a whole: each fault beside its remedy. */
export const machineDeeds = [
  'cut',
  'deafen',
  'mute',
  'heal',
  'powerOff',
  'powerOn',
  'saturate',
  'relieve',
  'fillDisk',
  'freeDisk',
  'slowDisk',
  'hastenDisk',
  'stallFlushes',
  'flushAgain',
  'useUpConnections',
  'giveBackConnections',
] as const;
export type MachineDeed = (typeof machineDeeds)[number];

/** Each before the name of its machine. */
export const machineWords: Readonly<Record<MachineDeed, string>> = {
  powerOff: 'plug out of',
  powerOn: 'plug in of',
  cut: 'cable out of',
  heal: 'cable in of',
  deafen: 'deafen',
  mute: 'mute',
  saturate: 'saturate',
  relieve: 'relieve',
  fillDisk: 'fill the disk of',
  freeDisk: 'free the disk of',
  slowDisk: "slow etcd's disk on",
  hastenDisk: "hasten etcd's disk on",
  stallFlushes: 'stall the flushes of PostgreSQL on',
  flushAgain: 'flushes end again on',
  useUpConnections: 'use up the connections of',
  giveBackConnections: 'give back the connections of',
};

/** Throws why it cannot be done here. */
export async function doToMachine(lab: Lab, kind: MachineDeed, name: string): Promise<unknown> {
  const node = lab.node(name);
  switch (kind) {
    case 'cut':
    case 'powerOff':
    case 'powerOn':
      return node[kind]();
    case 'heal':
      await node.machine.loseNothing();
      return node.heal();
    case 'deafen':
      return node.machine.lose('in');
    case 'mute':
      return node.machine.lose('out');
    case 'saturate':
      return saturate(lab, node);
    case 'relieve':
      return relieve(node);
    case 'fillDisk':
      return fillDisk(withOwnDisk(lab, name));
    case 'freeDisk':
      return freeDisk(withOwnDisk(lab, name));
    case 'slowDisk':
      return lab.slowDisks.slow(node, slowByMs);
    case 'hastenDisk':
      return lab.slowDisks.hasten(node);
    case 'stallFlushes':
      return lab.slowDisks.stall(node);
    case 'flushAgain':
      return lab.slowDisks.flushAgain(node);
    case 'useUpConnections':
      return useUpConnections(withOwnProcesses(lab, name));
    case 'giveBackConnections':
      return giveBackConnections(withOwnProcesses(lab, name));
    default:
      return kind satisfies never;
  }
}

export function setClockOf(lab: Lab, name: string, byMs: number): Promise<void> {
  if (!lab.plan.fakeClocks)
    throw new Error('the clocks of this lab cannot be set: make it with "lab up --fake-clocks"');
  return setClock(databaseNode(lab, name), byMs);
}

/** Of each flush of etcd. */
const slowByMs = 100;

/** Throws for the client, and for what is no machine. */
export function databaseNode(lab: Lab, name: string): LabNode {
  const node = lab.node(name);
  if (node.machine.plan.kind !== 'node') throw new Error(`${name} has no database`);
  return node;
}

/** Without machines nobody could tell whose sessions they are. */
function withOwnProcesses(lab: Lab, name: string): LabNode {
  const node = databaseNode(lab, name);
  if (node.machine.kind === 'loopback') throw new Error('connections are used up on machines, which need root');
  return node;
}

/** Without machines the disk that fills up would be the host's. */
function withOwnDisk(lab: Lab, name: string): LabNode {
  const node = databaseNode(lab, name);
  if (node.machine.kind === 'loopback') throw new Error("there are no disks to fill without root: they are the host's");
  return node;
}
