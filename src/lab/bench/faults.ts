import type { Lab } from '../lab.ts';
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
};
