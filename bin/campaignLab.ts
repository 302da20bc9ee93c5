import { type Command, Option } from 'commander';
import { cutScenarios } from '../src/lab/proofs/cuts.ts';
import { matrixScenarios } from '../src/lab/proofs/matrix.ts';
import { nextOf, shuffled } from '../src/lab/proofs/order.ts';
import { type SynchronousMode, synchronousModes } from '../src/lab/scenario/modes.ts';
import { type RandomOptions, randomPlay } from '../src/lab/scenario/random.ts';
import type { Scenario } from '../src/model/scenario.ts';
import { type LabLine, type Proof, type ProofFlags, prove } from './prove.ts';
import { randomMode } from './randomMode.ts';
import { refused } from './refused.ts';
import { readRecord, trackRecordPath } from './trackRecord.ts';
import { whole } from './whole.ts';

interface Flags extends ProofFlags {
  readonly times: number;
}

/** Proofs on real machines. */
export function campaignsOfLab(campaign: Command): void {
  lab(
    campaign,
    'matrix',
    'which process of which node, by which signal, at which moment: all members must stream again',
    20,
  )
    .option('--seed <number>', 'of the order; one seed plays all cases before any again', whole, 1)
    .option('--list', 'name the cases, and how often each is on record; "lab run --print NAME" shows one')
    .action(async (flags: Flags & { readonly seed: number; readonly list?: boolean }) => {
      if (flags.list) listCases(flags);
      else await ended(() => matrix(flags), flags);
    });
  lab(campaign, 'cuts', "the primary's power and its cable cut in turn: synchronous replication loses nothing", 10)
    .addOption(
      new Option('--mode <mode>', 'of synchronous replication').choices(synchronousModes).makeOptionMandatory(),
    )
    .action((flags: Flags & { readonly mode: SynchronousMode }) => ended(() => cuts(flags), flags));
  lab(campaign, 'random', 'faults drawn at random, a seed for each stretch', 1)
    .option('--seed <number>', 'the first (default: after the last one on record)', whole)
    .option('--minutes <count>', 'of a stretch, how long faults strike', whole, 2)
    .addOption(randomMode())
    .action((flags: Flags & RandomFlags) => ended(() => random(flags), flags));
}

const lab = (campaign: Command, name: string, what: string, times: number): Command =>
  campaign
    .command(name)
    .description(`on real machines: ${what}`)
    .option('--times <count>', 'how many runs', whole, times)
    .option('--ttl <seconds>', 'of the leader lease', whole, 6)
    .option('--record <file>', 'that results are added to', trackRecordPath)
    .option('--report <folder>', 'for what did not hold (default: a new one below the temporary files)');

const countsOf = (lines: readonly LabLine[]): ReadonlyMap<string, number> =>
  lines.reduce(
    (counts, { scenario }) => counts.set(scenario, (counts.get(scenario) ?? 0) + 1),
    new Map<string, number>(),
  );

function matrix({ seed, times, record }: Flags & { readonly seed: number }): Proof {
  const lines = readRecord<LabLine>('matrix', record).filter((line) => line.seed === seed);
  const chosen = nextOf(shuffled(matrixScenarios(), seed), countsOf(lines), times);
  return proofOf('matrix', chosen, { seed });
}

function cuts({ mode, times, record }: Flags & { readonly mode: SynchronousMode }): Proof {
  return proofOf('cuts', nextOf(cutScenarios(mode), countsOf(readRecord<LabLine>('cuts', record)), times), {});
}

const proofOf = (campaign: LabLine['campaign'], chosen: readonly Scenario[], of: Pick<LabLine, 'seed'>): Proof => ({
  campaign,
  plays: chosen.map((scenario) => ({ played: { scenario }, of })),
  replay: (name) => chosen.find((scenario) => scenario.name === name) ?? null,
});

interface RandomFlags {
  readonly seed?: number;
  readonly minutes: number;
  readonly mode: RandomOptions['mode'];
}

function random({ seed, minutes, mode, times, ttl, record }: Flags & RandomFlags): Proof {
  const alike = readRecord<LabLine>('random', record).filter(
    (line) => line.minutes === minutes && (line.mode ?? 'async') === mode,
  );
  const first = seed ?? Math.max(0, ...alike.map((line) => line.seed ?? 0)) + 1;
  const stretches = Array.from({ length: times }, (_, nth) => {
    const of = { seed: first + nth, minutes, mode };
    return { of, played: randomPlay({ ...of, ttlS: ttl, nodes: 3 }) };
  });
  return {
    campaign: 'random',
    plays: stretches,
    replay: (name) => stretches.find(({ played }) => played.scenario.name === name)?.played.taken(1) ?? null,
  };
}

function listCases({ seed, record }: Flags & { readonly seed: number }): void {
  const lines = readRecord<LabLine>('matrix', record);
  const counts = countsOf(lines);
  const failed = countsOf(lines.filter(({ broken }) => broken.length > 0));
  for (const { name, title } of shuffled(matrixScenarios(), seed)) {
    const times = `${counts.get(name) ?? 0} played, ${failed.get(name) ?? 0} failed`;
    process.stdout.write(`${name.padEnd(50)}  ${times.padEnd(20)}  ${title}\n`);
  }
}

/** A record that cannot be read is told, too. */
async function ended(choose: () => Proof, flags: Flags): Promise<void> {
  const played = Promise.resolve().then(() => prove(choose(), flags));
  process.exit(await played.catch(refused));
}
