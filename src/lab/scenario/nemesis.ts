import type { ServiceWord, Step, Target } from '../../model/scenario.ts';
import { makeChance } from './chance.ts';

/** Faults at random, each mended in the end. What is drawn hangs on the seed alone; whom it strikes may hang on who leads then. */
export interface Strike {
  readonly atMs: number;
  readonly fault: FaultName;
  /** Null: whoever leads when it strikes. */
  readonly node: string | null;
  readonly lastsMs: number;
}

/** A fault, and what mends it; null: it mends itself. */
interface Fault {
  /** What must run for it to strike; a machine is always there. */
  readonly services: readonly ServiceWord[];
  strike(of: readonly Target[]): Step;
  mend: ((of: readonly Target[]) => Step) | null;
}

const machine = (
  kind: 'cut' | 'deafen' | 'mute' | 'powerOff' | 'saturate',
  mend: 'heal' | 'powerOn' | 'relieve',
): Fault => ({
  services: [],
  strike: (of) => ({ kind, of }),
  mend: (of) => ({ kind: mend, of }),
});
const killed = (services: readonly ServiceWord[], started: readonly ServiceWord[]): Fault => ({
  services,
  strike: (of) => ({ kind: 'kill', what: { services, of } }),
  mend: started.length === 0 ? null : (of) => ({ kind: 'start', what: { services: started, of } }),
});
const frozen = (...services: readonly ServiceWord[]): Fault => ({
  services,
  strike: (of) => ({ kind: 'freeze', what: { services, of } }),
  mend: (of) => ({ kind: 'thaw', what: { services, of } }),
});

const faults = {
  'cable out': machine('cut', 'heal'),
  deaf: machine('deafen', 'heal'),
  mute: machine('mute', 'heal'),
  'power cut': machine('powerOff', 'powerOn'),
  saturated: machine('saturate', 'relieve'),
  'postmaster killed': killed(['postmaster'], []),
  'agent killed': killed(['agent'], ['agent']),
  'agent and guardian killed': killed(['guardian', 'agent'], ['agent']),
  'etcd killed': killed(['etcd'], ['etcd']),
  'agent frozen': frozen('agent'),
  'guardian frozen': frozen('guardian'),
  'agent and guardian frozen': frozen('guardian', 'agent'),
  'postmaster frozen': frozen('postmaster'),
  'etcd frozen': frozen('etcd'),
} as const satisfies Readonly<Record<string, Fault>>;
export type FaultName = keyof typeof faults;
const names = Object.keys(faults).filter((name): name is FaultName => name in faults);

export const faultNamed = (name: FaultName): Fault => faults[name];

/** The last fault is mended before the time is over. */
export function drawStrikes(seed: number, forMs: number, nodes: readonly string[], ttlMs: number): readonly Strike[] {
  const chance = makeChance(seed);
  const everyMs = 1.5 * ttlMs;
  const strikes: Strike[] = [];
  for (let atMs = 0; ; atMs += everyMs * (0.2 + 1.6 * chance())) {
    const fault = names[Math.floor(chance() * names.length)] ?? 'cable out';
    const node = nodes[Math.floor(chance() * nodes.length)] ?? '';
    // The primary more often than the others: that is where faults hurt.
    const ofLeader = chance() < 0.4;
    const lastsMs = ttlMs * (0.2 + 2.3 * chance());
    if (atMs + lastsMs > forMs) return strikes;
    strikes.push({ atMs, fault, node: ofLeader ? null : node, lastsMs });
  }
}
