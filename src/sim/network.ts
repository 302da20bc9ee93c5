import type { SeededChance } from './chance.ts';
import type { Engine } from './engine.ts';

/**
 * Hosts and the wires between them, per direction. What is sent is either delivered once, later, or waits for the wire
 * to heal as TCP's retransmission does: so a request can arrive, and be carried out, long after its sender gave up.
 */
export interface Network {
  /** One message of a stream. Given up after `patienceMs` of a dead wire; false from `wanted` drops it at the end. */
  send(from: string, to: string, arrive: () => void, options?: { patienceMs?: number; wanted?: () => boolean }): void;
  /** Messages that keep their order: a lost one holds up those behind it. Closed, nothing more arrives. */
  stream(from: string, to: string): Stream;
  /** Whether a message sent now in this direction would get through. */
  open(from: string, to: string): boolean;
  cut(from: string, to: string): void;
  mend(from: string, to: string): void;
  /** Both directions between this host and all others. */
  isolate(host: string): void;
  /** Groups of hosts that reach only one another. */
  partition(...groups: readonly (readonly string[])[]): void;
  heal(): void;
  /** A host that stands still sends nothing and takes nothing in; what is meant for it comes late, or not at all. */
  silence(host: string, silent: boolean): void;
  /** That host has lost its power: what it had sent and was not through will not be sent again. */
  forget(host: string): void;
  /** Called whenever a wire was cut or mended. */
  onChange(changed: () => void): void;
  tune(options: Partial<NetworkTuning>): void;
  /** True time since when nothing changed and nothing is lost or slow; endless: something is. */
  calmSinceMs(): number;
}

export interface Stream {
  send(arrive: () => void): void;
  /** A message is being retransmitted, and holds up the others. */
  blocked(): boolean;
  close(): void;
}

export interface NetworkTuning {
  delayMs: readonly [low: number, high: number];
  /** Probability that a message is lost once, and so comes a retransmission (200 ms and more) later. */
  loss: number;
}

/** A question and its answer, with the connection, take four ways: longer ones come too late for a race. */
const slowMs = 40;
const retransmitMs = [200, 400, 800, 1600, 3200, 6400] as const;

export function makeNetwork(engine: Engine, chance: SeededChance, hosts: () => readonly string[]): Network {
  const cuts = new Set<string>();
  const silent = new Set<string>();
  const listeners: (() => void)[] = [];
  const tuning: NetworkTuning = { delayMs: [0.1, 0.6], loss: 0 };
  const wire = (from: string, to: string): string => `${from}>${to}`;
  const open = (from: string, to: string): boolean =>
    from === to || !(silent.has(from) || silent.has(to) || cuts.has(wire(from, to)));

  /** How often each host lost its power. */
  const lives = new Map<string, number>();
  const lifeOf = (host: string): number => lives.get(host) ?? 0;
  let changedMs = 0;
  const changed = (): void => {
    changedMs = engine.now();
    for (const listener of listeners) listener();
  };

  function send(
    from: string,
    to: string,
    arrive: () => void,
    { patienceMs = 15_000, wanted = () => true }: { patienceMs?: number; wanted?: () => boolean } = {},
  ): void {
    const sentMs = engine.now();
    const life = lifeOf(from);
    const attempt = (n: number): void => {
      if (lifeOf(from) !== life) return;
      const lost = !open(from, to) || (from !== to && chance.happens(tuning.loss));
      if (!lost) {
        engine.after(from === to ? 0.05 : chance.between(...tuning.delayMs), () => wanted() && arrive());
        return;
      }
      if (engine.now() - sentMs >= patienceMs) return;
      const pauseMs = retransmitMs[Math.min(n, retransmitMs.length - 1)] ?? 6400;
      engine.after(pauseMs * chance.between(0.9, 1.1), () => wanted() && attempt(n + 1));
    };
    attempt(0);
  }

  function stream(from: string, to: string): Stream {
    const waiting: (() => void)[] = []; // behind a message that is being retransmitted
    let blocked = false;
    let lastMs = 0;
    let closed = false;
    const life = lifeOf(from);
    const arriveInOrder = (arrive: () => void): void => {
      const delayMs = from === to ? 0.05 : chance.between(...tuning.delayMs);
      lastMs = Math.max(lastMs, engine.now() + delayMs);
      engine.at(lastMs, () => !closed && arrive());
    };
    function retry(n: number): void {
      if (closed || lifeOf(from) !== life) return;
      if (!open(from, to)) {
        engine.after((retransmitMs[Math.min(n, retransmitMs.length - 1)] ?? 6400) * chance.between(0.9, 1.1), () =>
          retry(n + 1),
        );
        return;
      }
      blocked = false;
      for (const arrive of waiting.splice(0)) arriveInOrder(arrive);
    }
    return {
      send(arrive) {
        if (closed) return;
        if (!blocked && open(from, to) && !(from !== to && chance.happens(tuning.loss))) return arriveInOrder(arrive);
        waiting.push(arrive);
        if (blocked) return;
        blocked = true;
        engine.after(200, () => retry(1));
      },
      blocked: () => blocked,
      close: () => {
        closed = true;
      },
    };
  }

  function isolate(host: string): void {
    for (const other of hosts())
      if (other !== host) {
        cuts.add(wire(host, other));
        cuts.add(wire(other, host));
      }
    changed();
  }

  return {
    send,
    stream,
    open,
    isolate,
    cut(from, to) {
      cuts.add(wire(from, to));
      changed();
    },
    mend(from, to) {
      cuts.delete(wire(from, to));
      changed();
    },
    partition(...groups) {
      const groupOf = (host: string): number => groups.findIndex((group) => group.includes(host));
      for (const a of hosts()) for (const b of hosts()) if (groupOf(a) !== groupOf(b)) cuts.add(wire(a, b));
      changed();
    },
    heal() {
      cuts.clear();
      changed();
    },
    silence(host, now) {
      if (now) silent.add(host);
      else silent.delete(host);
      changed();
    },
    forget: (host) => void lives.set(host, lifeOf(host) + 1),
    onChange: (listener) => void listeners.push(listener),
    tune(options) {
      Object.assign(tuning, options);
      changedMs = engine.now();
    },
    calmSinceMs: () => (tuning.loss > 0 || tuning.delayMs[1] > slowMs ? Number.POSITIVE_INFINITY : changedMs),
  };
}
