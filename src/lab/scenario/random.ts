import type { Scenario, Step } from '../../model/scenario.ts';
import { counted } from '../verdict/words.ts';
import type { Played } from './campaign.ts';
import { comesBack } from './comesBack.ts';
import { type SynchronousMode, synchronousSettings } from './modes.ts';
import { drawStrikes } from './nemesis.ts';
import { serviceOf } from './perform.ts';
import { nemesisScript } from './script.ts';
import { natureOf } from './tell.ts';

export interface RandomOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly ttlS: number;
  readonly nodes: number;
  readonly mode: 'async' | SynchronousMode;
}

export interface RandomPlay extends Played {
  /** What struck in a run until now, as a scenario: with machines by name and real waits. Null: nothing did. */
  taken(run: number): Scenario | null;
}

/** Faults at random for a while; in synchronous mode not one acknowledged write may be lost. */
export function randomPlay(options: RandomOptions): RandomPlay {
  const { seed, minutes, ttlS, nodes, mode } = options;
  const stepsOf = new Map<number, Step[]>();
  const names = Array.from({ length: nodes }, (_, index) => `node${index + 1}`);
  const strikes = drawStrikes(seed, minutes * 60_000, names, ttlS * 1_000);
  const config = mode === 'async' ? {} : { bootstrap: { dcs: synchronousSettings[mode] } };
  const drawn = `${counted(strikes.length, 'fault')} drawn in ${minutes} min`;
  const scenario: Scenario = {
    name: mode === 'async' ? `random-${seed}` : `random-${mode}-${seed}`,
    title: `Faults at random, seed ${seed}${mode === 'async' ? '' : `, synchronous mode ${mode}`}`,
    description: `${drawn}, each mended, several machines at a time.`,
    long: false,
    red: null,
    setUp: { nodes, ttlS, diskMb: 1024, fakeClocks: false, config },
    steps: [],
    expect: mode === 'async' ? comesBack(2_000) : { ...comesBack(0), lostWrites: null },
  };
  return {
    scenario,
    script({ lab }, run) {
      const steps: Step[] = [];
      stepsOf.set(run, steps);
      return nemesisScript(
        strikes,
        {
          leader: async () => (await lab.status()).leader,
          runs: (node, service) => lab.node(node).process(serviceOf(service)) !== null,
        },
        (step) => void steps.push(step),
      );
    },
    taken(run) {
      const steps = stepsOf.get(run) ?? [];
      if (steps.length === 0) return null;
      const struck = steps.filter((step) => natureOf(step) === 'fault').length;
      const description = `Of ${drawn}, the ${struck} that struck, each on the machine that it struck, after the same pauses.`;
      return { ...scenario, description, steps: [...steps] };
    },
  };
}

/** What struck in each of so many runs, under the name of the file in which it is kept. */
export const logsOf = (
  { scenario, taken }: RandomPlay,
  runs: number,
): readonly { readonly file: string; readonly log: Scenario }[] =>
  Array.from({ length: runs }, (_, before) => before + 1).flatMap((run) => {
    const log = taken(run);
    return log === null ? [] : [{ file: `${scenario.name}${runs === 1 ? '' : `-${run}`}.yml`, log }];
  });
