import type { Connection, Sockets } from '../model/world.ts';
import type { Engine } from './engine.ts';
import type { Machine } from './machine.ts';
import type { SimProcess } from './process.ts';

/** Who listens on which path of one machine. */
export interface LocalSockets {
  listeners: Map<string, { readonly owner: SimProcess; accept(connection: Connection): void }>;
  engine: Engine;
}
export const makeLocalSockets = (engine: Engine): LocalSockets => ({ listeners: new Map(), engine });

/** How long a line takes from one process to another on the same machine. */
const hopMs = 0.05;

export function makeSockets(machine: Machine, self: SimProcess): Sockets {
  const { sockets, disk, clock, engine } = machine;
  return {
    connect(path, limitMs) {
      return new Promise((resolve) => {
        self.after(hopMs, () => {
          const listener = sockets.listeners.get(path);
          if (listener === undefined) return resolve({ kind: 'failed', why: `${path}: nobody listens` });
          const [mine, theirs] = connectionPair(engine, self, listener.owner);
          // The kernel accepts on behalf of a stopped process; its program hears of it when it runs again.
          listener.owner.deliver(() => listener.accept(theirs));
          resolve({ kind: 'connected', connection: mine });
        });
        self.after(limitMs, () => resolve({ kind: 'failed', why: `${path}: no answer in ${limitMs} ms` }));
      });
    },
    listen(path, accept) {
      if (!disk.put(path, '', 0o600, clock.wall()))
        return Promise.resolve({ kind: 'failed', why: `${path}: no such folder` });
      const listener = { owner: self, accept };
      sockets.listeners.set(path, listener);
      const close = (): void => {
        if (sockets.listeners.get(path) === listener) sockets.listeners.delete(path);
      };
      self.onEnd(close);
      return Promise.resolve({ kind: 'listening', close });
    },
  };
}

function connectionPair(engine: Engine, a: SimProcess, b: SimProcess): readonly [Connection, Connection] {
  let open = true;
  const closers: (() => void)[] = [];
  const close = (): void => {
    if (!open) return;
    open = false;
    for (const closer of closers) closer();
  };
  const ends = [makeEnd(a), makeEnd(b)] as const;
  a.onEnd(close);
  b.onEnd(close);

  function makeEnd(owner: SimProcess) {
    const waiting: string[] = []; // lines that came before anybody listened
    let receive: ((line: string) => void) | null = null;
    let closed: (() => void) | null = null;
    closers.push(() => engine.after(hopMs, () => owner.deliver(() => closed?.())));
    return {
      arrive: (line: string) => owner.deliver(() => (receive === null ? void waiting.push(line) : receive(line))),
      onLine(listen: (line: string) => void) {
        receive = listen;
        for (const line of waiting.splice(0)) listen(line);
      },
      onClosed(listen: () => void) {
        closed = listen;
        if (!open) engine.after(hopMs, () => owner.deliver(listen));
      },
    };
  }
  const facing = (mine: (typeof ends)[number], other: (typeof ends)[number]): Connection => ({
    send: (line) => void (open && engine.after(hopMs, () => other.arrive(line))),
    onLine: mine.onLine,
    onClosed: mine.onClosed,
    close,
  });
  return [facing(ends[0], ends[1]), facing(ends[1], ends[0])];
}
