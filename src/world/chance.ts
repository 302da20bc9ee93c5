import { randomBytes, randomInt } from 'node:crypto';
import type { Chance } from '../model/world.ts';

export const makeChance = (): Chance => ({
  below: (below) => randomInt(below),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
});
