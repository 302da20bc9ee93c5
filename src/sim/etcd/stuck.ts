import type { EtcdAsk, EtcdCall } from '../../model/world.ts';
import type { Engine } from '../engine.ts';

/** Requests that are stuck on their way, in the hands of something that is frozen: carried out later, when nobody listens. */
export interface Stuck {
  /** All requests of that host, from now on. */
  hold(host: string): void;
  /** Each of those is carried out after so long; nothing is held any more. */
  letGo(delayMs: () => number): void;
  /** Of that host, the next transaction that would do this alone: carried out so much later. */
  trap(host: string, write: StuckWrite, delayMs: number): void;
  clearTraps(): void;
  /** True: this request is held, and `carryOut` is called in its time. */
  holds(host: string, ask: EtcdAsk<EtcdCall>, carryOut: () => void): boolean;
}

export interface StuckWrite {
  readonly op: 'put' | 'delete';
  /** Without the prefix of the cluster. */
  readonly key: string;
}

export function makeStuck(engine: Engine): Stuck {
  const held = new Map<string, (() => void)[]>();
  const traps = new Map<string, { readonly write: StuckWrite; readonly delayMs: number }>();
  return {
    hold: (host) => void held.set(host, []),
    letGo(delayMs) {
      for (const carryOut of [...held.values()].flat()) engine.after(delayMs(), carryOut);
      held.clear();
    },
    trap: (host, write, delayMs) => void traps.set(host, { write, delayMs }),
    clearTraps: () => traps.clear(),
    holds(host, ask, carryOut) {
      const all = held.get(host);
      if (all !== undefined) all.push(carryOut);
      if (all !== undefined) return true;
      const trap = traps.get(host);
      if (trap === undefined || !('success' in ask) || !does(ask, trap.write)) return false;
      traps.delete(host);
      engine.after(trap.delayMs, carryOut);
      return true;
    },
  };
}

const does = ({ success }: EtcdAsk<'txn'>, { op, key }: StuckWrite): boolean =>
  success.some((one) => one.op === op && one.key.endsWith(`/${key}`));
