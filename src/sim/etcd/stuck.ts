import type { EtcdAsk, EtcdCall } from '../../model/world.ts';
import type { Engine } from '../engine.ts';

/** Requests that are stuck on their way, in the hands of something that is frozen: carried out later, when nobody listens. */
export interface Stuck {
  /** All requests of that host, from now on. */
  hold(host: string): void;
  /** Each of those is carried out after so long; nothing is held any more. */
  letGo(delayMs: () => number): void;
  /** Of that host, the next transaction that does this, and nothing else. */
  trap(host: string, trap: WriteTrap): void;
  clearTraps(): void;
  /** True: this request is held, and `carryOut` is called in its time. */
  holds(host: string, ask: EtcdAsk<EtcdCall>, carryOut: () => void): boolean;
}

export interface WriteTrap {
  readonly op: 'put' | 'delete';
  /** Without the prefix of the cluster. */
  readonly key: string;
  /** Carried out so long after it was sent. */
  readonly delayMs: number;
  /** As it is sent, and as it is carried out. */
  caught?(): void;
  landing?(): void;
}

export function makeStuck(engine: Engine): Stuck {
  const held = new Map<string, (() => void)[]>();
  const traps = new Map<string, WriteTrap>();
  return {
    hold: (host) => void (held.has(host) || held.set(host, [])),
    letGo(delayMs) {
      for (const carryOut of [...held.values()].flat()) engine.after(delayMs(), carryOut);
      held.clear();
    },
    trap: (host, trap) => void traps.set(host, trap),
    clearTraps: () => traps.clear(),
    holds(host, ask, carryOut) {
      const all = held.get(host);
      if (all !== undefined) all.push(carryOut);
      if (all !== undefined) return true;
      const trap = traps.get(host);
      if (trap === undefined || !('success' in ask) || !does(ask, trap)) return false;
      traps.delete(host);
      engine.after(trap.delayMs, () => {
        trap.landing?.();
        carryOut();
      });
      trap.caught?.();
      return true;
    },
  };
}

const does = ({ success }: EtcdAsk<'txn'>, { op, key }: WriteTrap): boolean =>
  success.some((one) => one.op === op && one.key.endsWith(`/${key}`));
