import { type Fault, others } from './fault.ts';
import { drawnFrom } from './unsynced.ts';

/** The key is given back, is taken or written again; the list of synchronous standbys; what takes part in failsafe mode. */
const writes = [
  { op: 'delete', key: 'leader' },
  { op: 'delete', key: 'leader' },
  { op: 'put', key: 'leader' },
  { op: 'put', key: 'sync' },
  { op: 'put', key: 'sync' },
  { op: 'put', key: 'failsafe' },
] as const;

/**
 * A single request is stuck, a write that matters, while all else goes well. What it was about is soon forgotten where the agent ends,
 * or somebody goes whom it was about; and as it comes true, its node is cut off and not told, and who is left is not at work.
 */
export const stuckWrite: Fault = {
  name: 'one write to etcd stuck',
  strike(c, n, chance) {
    const victim = chance.happens(0.7) ? (c.primary() ?? n) : n;
    const delayMs = chance.happens(0.5) ? chance.between(300, 3000) : chance.between(3000, 20_000);
    const [ends, cutOff] = [chance.happens(0.3), chance.happens(0.5)];
    const cutOffMs = chance.between(2000, 30_000);
    const gone = chance.happens(0.3) ? chance.pick(others(c, victim)) : null;
    const standStill = gone !== null && chance.happens(0.5) ? others(c, victim).filter((name) => name !== gone) : [];
    c.etcd.stuck.trap(victim, {
      ...chance.pick(writes),
      delayMs,
      caught() {
        if (ends) c.engine.after(0, () => c.agent(victim).kill());
        if (gone === null || !c.node(gone).machine.powered() || c.node(gone).machine.suspended()) return;
        c.tell(gone, 'power cut, as a write to etcd is stuck');
        c.engine.after(0, () => c.powerOff(gone, drawnFrom(chance)));
        c.engine.after(delayMs, () => void (c.node(gone).machine.powered() || c.powerOn(gone)));
      },
      landing() {
        if (!cutOff) return;
        c.tell(victim, 'isolated, as its write comes true');
        c.network.isolate(victim);
        for (const name of standStill) c.agent(name).freeze();
        c.engine.after(cutOffMs, () => {
          c.network.heal();
          for (const name of standStill) c.agent(name).thaw();
        });
      },
    });
  },
  mend: (c) => c.etcd.stuck.clearTraps(),
};
