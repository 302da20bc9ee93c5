import { fillDisk, freeDisk } from '../faults/disk.ts';
import type { Lab } from '../lab.ts';
import type { LabNode } from '../node.ts';
import { delay, until } from '../run.ts';
import { keepEtcdLeaderOff } from './etcd.ts';
import { ask } from './http.ts';
import type { FaultName, Say } from './words.ts';

/** A fault of the node that leads, the same for every agent. */
export interface Fault {
  readonly title: string;
  /** What must hold before; not measured. */
  prepare(lab: Lab, leader: string, say: Say): Promise<void>;
  make(lab: Lab, leader: string): Promise<void>;
  /** Done when clients are served again: whatever must be repaired by hand. */
  mend(lab: Lab, leader: string): Promise<void>;
}

const nothing = async (): Promise<void> => {};

const others = (lab: Lab, leader: string): readonly LabNode[] => lab.nodes.filter(({ name }) => name !== leader);

/** etcd ends when it can not write any more: a service manager starts it again, whoever else ended with it. */
async function restartEnded(node: LabNode): Promise<void> {
  for (const service of ['etcd', 'agent'] as const) if (node.process(service) === null) await node.start(service);
}

async function configure(lab: Lab, node: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const { machine } = lab.node(node);
  const body = JSON.stringify(change);
  const answer = await ask(
    machine,
    { method: 'PATCH', host: machine.plan.address, port: 8008, path: '/config', body },
    10_000,
  );
  if (answer?.status !== 200) throw new Error(`${body}: ${answer?.status ?? 'no answer'} ${answer?.body}`);
}

/** Who would lead in synchronous mode, as that member says itself; null: nobody yet. */
async function synchronousStandby(lab: Lab, leader: string): Promise<string | null> {
  for (const { name, machine } of others(lab, leader)) {
    const answer = await ask(machine, { host: machine.plan.address, port: 8008, path: '/synchronous' }, 5_000);
    if (answer?.status === 200) return name;
  }
  return null;
}

export const faults: Readonly<Record<FaultName, Fault>> = {
  switchover: {
    title: 'switchover',
    prepare: nothing,
    mend: nothing,
    async make(lab, leader) {
      const candidate = lab.nodes.find(({ name }) => name !== leader)?.name ?? '';
      const { machine } = lab.node(leader);
      const body = JSON.stringify({ leader, candidate });
      const asked = { method: 'POST', host: machine.plan.address, port: 8008, path: '/switchover', body } as const;
      const answer = await ask(machine, asked, 60_000);
      if (answer?.status !== 200)
        throw new Error(`switchover from ${leader} to ${candidate}: ${answer?.status ?? 'no answer'} ${answer?.body}`);
    },
  },
  'postmaster-kill': {
    title: 'postmaster killed',
    prepare: nothing,
    mend: nothing,
    make: (lab, leader) => lab.node(leader).kill('postgres', 'KILL'),
  },
  'power-cut': {
    title: 'power cut',
    async prepare(lab, leader, say) {
      const moved = await keepEtcdLeaderOff(lab, leader, 60_000);
      if (moved) say(`etcd was led from ${leader} too: it is led elsewhere now`);
    },
    make: (lab, leader) => lab.node(leader).powerOff(),
    mend: (lab, leader) => lab.node(leader).powerOn(),
  },
  'etcd-outage': {
    title: 'etcd outage',
    prepare: nothing,
    mend: nothing,
    async make(lab, leader) {
      for (const node of others(lab, leader)) await node.kill('etcd', 'KILL');
      await delay((lab.plan.timings.ttlS + 15) * 1_000);
      for (const node of others(lab, leader)) await node.start('etcd');
    },
  },
  // Its PostgreSQL, its WAL and its member of etcd get no more room.
  'disk-full': {
    title: 'disk full',
    prepare: nothing,
    async make(lab, leader) {
      await fillDisk(lab.node(leader));
      await delay(60_000);
      freeDisk(lab.node(leader));
      await restartEnded(lab.node(leader));
    },
    mend: nothing,
  },
  'sync-standby-lost': {
    title: 'synchronous standby lost',
    async prepare(lab, leader, say) {
      await configure(lab, leader, { synchronous_mode: true });
      const standby = await until(() => synchronousStandby(lab, leader), 120_000, 500);
      if (standby === null) throw new Error('no standby became synchronous');
      say(`${standby} is synchronous`);
    },
    async make(lab, leader) {
      const standby = await synchronousStandby(lab, leader);
      if (standby === null) throw new Error('no standby is synchronous any more');
      await lab.node(standby).powerOff();
    },
    async mend(lab, leader) {
      for (const node of others(lab, leader)) if (!node.machine.isOn()) await node.powerOn();
      await configure(lab, leader, { synchronous_mode: null });
    },
  },
};
