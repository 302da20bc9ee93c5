import type { Scenario, Step } from '../../model/scenario.ts';
import type { Played } from './campaign.ts';
import { comesBack } from './comesBack.ts';
import { type SynchronousMode, synchronousSettings } from './modes.ts';
import { drawStrikes } from './nemesis.ts';
import { serviceOf } from './perform.ts';
import { nemesisScript } from './script.ts';

export interface RandomOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly ttlS: number;
  readonly nodes: number;
  readonly mode: 'async' | SynchronousMode;
}

/** Faults at random for a while; in synchronous mode not one acknowledged write may be lost. `taken` gives what struck as a scenario, at any time: with machines by name and real waits. */
export function randomPlay(options: RandomOptions): Played & { taken(): Scenario } {
  const { seed, minutes, ttlS, nodes, mode } = options;
  const steps: Step[] = [];
  const names = Array.from({ length: nodes }, (_, index) => `node${index + 1}`);
  const strikes = drawStrikes(seed, minutes * 60_000, names, ttlS * 1_000);
  const config = mode === 'async' ? {} : { bootstrap: { dcs: synchronousSettings[mode] } };
  const scenario: Scenario = {
    name: mode === 'async' ? `random-${seed}` : `random-${mode}-${seed}`,
    title: `Faults at random, seed ${seed}${mode === 'async' ? '' : `, synchronous mode ${mode}`}`,
    description: `${strikes.length} faults drawn in ${minutes} min, each mended, several machines at a time.`,
    long: false,
    red: null,
    setUp: { nodes, ttlS, diskMb: 1024, fakeClocks: false, config },
    steps: [],
    expect: mode === 'async' ? comesBack(2_000) : { ...comesBack(0), lostWrites: null },
  };
  return {
    scenario,
    script({ lab }) {
      steps.length = 0; // of the run before
      return nemesisScript(
        strikes,
        {
          leader: async () => (await lab.status()).leader,
          runs: (node, service) => lab.node(node).process(serviceOf(service)) !== null,
        },
        (step) => void steps.push(step),
      );
    },
    taken: () => ({ ...scenario, steps }),
  };
}
