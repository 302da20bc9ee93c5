import type { Scenario, Step, Target } from '../../model/scenario.ts';
import { type SynchronousMode, synchronousSettings } from '../scenario/modes.ts';
import { seconds } from './blows.ts';

const primary: readonly [Target] = [{ kind: 'role', role: 'primary' }];
const cuts = {
  power: { text: 'power cut', strike: { kind: 'powerOff', of: primary }, mend: { kind: 'powerOn', of: primary } },
  cable: { text: 'cable out', strike: { kind: 'cut', of: primary }, mend: { kind: 'heal', of: primary } },
} as const satisfies Readonly<Record<string, { readonly text: string; readonly strike: Step; readonly mend: Step }>>;

/** The primary cut off under load with synchronous replication, by power and by cable: nothing acknowledged may be lost. */
export const cutScenarios = (mode: SynchronousMode): readonly Scenario[] =>
  Object.entries(cuts).map(([name, { text, strike, mend }]) => ({
    name: `cuts-${mode}-${name}`,
    title: `Synchronous mode ${mode}, ${text} of the primary under load`,
    description: 'Whoever takes over has every commit that was acknowledged: not one is lost.',
    long: false,
    red: null,
    setUp: {
      nodes: 3,
      ttlS: null,
      diskMb: 1024,
      fakeClocks: false,
      config: { bootstrap: { dcs: synchronousSettings[mode] } },
    },
    steps: [
      { kind: 'pgbench', of: primary[0], duration: seconds(30) },
      { kind: 'wait', duration: seconds(3) },
      strike,
      { kind: 'waitFor', what: 'another primary' },
      { kind: 'waitFor', what: 'steady writes' },
      mend,
    ],
    expect: {
      primary: 'changed',
      writeGap: { ttls: 2, ms: 12_000 },
      proxiedWriteGap: { ttls: 2, ms: 20_000 },
      readGap: null,
      proxiedReadGap: null,
      streamingWithin: { ttls: 0, ms: 60_000 },
      lostWrites: null,
    },
  }));
