import type { Chance } from '../model/world.ts';

/** A seeded generator (sfc32). The same seed draws the same numbers on every machine. */
export interface SeededChance extends Chance {
  /** 0 ≤ x < 1. */
  real(): number;
  between(low: number, high: number): number;
  /** True with this probability. */
  happens(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A generator of its own, so that one more draw here does not shift every draw elsewhere. */
  fork(label: string): SeededChance;
}

export function makeChance(seed: number, label = ''): SeededChance {
  let [a, b, c, d] = [hash(seed, label, 1), hash(seed, label, 2), hash(seed, label, 3), 1];
  function next(): number {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  }
  for (let i = 0; i < 12; i++) next();

  const real = (): number => next() / 4294967296;
  const below = (n: number): number => Math.floor(real() * n);
  return {
    real,
    below,
    between: (low, high) => low + real() * (high - low),
    happens: (probability) => probability > 0 && real() < probability,
    pick(from) {
      const one = from[below(from.length)];
      if (one === undefined) throw new Error('nothing to pick from');
      return one;
    },
    hex: (bytes) => Array.from({ length: bytes }, () => below(256).toString(16).padStart(2, '0')).join(''),
    fork: (name) => makeChance(seed, `${label}/${name}`),
  };
}

/** FNV-1a over seed, label and salt. */
function hash(seed: number, label: string, salt: number): number {
  let h = 0x811c9dc5;
  for (const char of `${seed}:${label}:${salt}`) h = Math.imul(h ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return h | 0;
}
