import { appendFileSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import type { Plugin } from 'esbuild';
import { commitOf } from '../../bin/commit.ts';
import { runAll } from '../../bin/simPool.ts';
import type { RunReport } from '../../src/sim/report.ts';
import { planOf, type RunPlan } from '../../src/sim/run.ts';
import { bundleSimWorker } from '../support/simWorker.ts';
import { failsafeMutants } from './failsafe.ts';
import type { Edit } from './grounds.ts';
import { type Mutant, mutants } from './list.ts';
import { quorumMutants, synchronousMutants } from './synchronous.ts';

/**
 * npm run mutants: takes each safety rule and guard away in turn, and shows that random seeds catch it by a law, and how
 * many it took. Ends with 1 when one survives.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is wanted.');
  return Number(text);
};
const command = new Command('npm run mutants --')
  .option('--only <text>', 'only those whose name has this in it', '')
  .option('--skip <count>', 'leave out the first ones', whole, 0)
  .option('--seeds <count>', 'how many seeds a mutant may take', whole, 1000)
  .option('--from <seed>', 'the first seed', whole, 1)
  .option('--record <file>', 'add a line of JSON for each to this file')
  .option('--list', 'name them, and do no more')
  .allowExcessArguments(false)
  .exitOverride(({ code, exitCode }) => process.exit(code.startsWith('commander.help') || exitCode === 0 ? 0 : 2))
  .parse();
const flags = command.opts<{
  only: string;
  skip: number;
  seeds: number;
  from: number;
  record?: string;
  list?: true;
}>();

const applied = (edits: readonly Edit[]): Plugin => ({
  name: 'mutant',
  setup(esbuild) {
    const left = new Set(edits);
    esbuild.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const here = edits.filter(({ file }) => file === relative(root, path));
      if (here.length === 0) return undefined;
      let text = readFileSync(path, 'utf8');
      for (const one of here) {
        const parts = text.split(one.find);
        if (parts.length !== 2)
          throw new Error(`${one.file} has ${parts.length - 1} times what is to be replaced: ${one.find}`);
        text = parts.join(one.replace);
        left.delete(one);
      }
      return { contents: text, loader: 'ts' };
    });
    esbuild.onEnd(() => {
      for (const { file } of left) throw new Error(`${file} is no part of the simulator`);
    });
  },
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

interface Hunt {
  readonly runs: number;
  readonly caught: RunReport | null;
  readonly tookS: number;
}

/** Runs until a law is broken, or all are through. */
async function hunt(worker: URL, plans: readonly RunPlan[]): Promise<Hunt> {
  const beganMs = performance.now();
  let runs = 0;
  let caught: RunReport | null = null;
  await runAll(
    plans,
    availableParallelism(),
    (report) => {
      runs += 1;
      if (report.findings.some(({ law }) => law !== null)) caught ??= report;
      return { goOn: caught === null };
    },
    worker,
  );
  return { runs, caught, tookS: Math.round((performance.now() - beganMs) / 1000) };
}

const lawOf = (caught: RunReport): string => {
  const by = caught.findings.find(({ law }) => law !== null);
  return `law ${by?.law} ${by?.kind}`;
};

/** What was found of a mutant; null: no law noticed it, or also without it, and nothing is shown. */
async function judged({ name, edits, ground }: Mutant): Promise<{ verdict: string; detail: string; shown: boolean }> {
  const around = ground?.edits ?? [];
  const where = ground === undefined ? '' : `; ${ground.name}`;
  const worker = await bundleSimWorker([applied([...edits, ...around])]).catch((error: unknown) => String(error));
  if (typeof worker === 'string')
    return { verdict: 'NO MUTANT', detail: `${name}: ${worker.split('\n')[1] ?? worker}`, shown: false };
  const plans = Array.from({ length: flags.seeds }, (_, nth) => ({
    ...planOf(flags.from + nth),
    faults: ground?.faults ?? null,
    mode: ground?.mode ?? 'async',
    peers: ground?.peers ?? null,
  }));
  const { runs, caught, tookS } = await hunt(worker, plans);
  if (caught === null)
    return { verdict: 'SURVIVED', detail: `${name} (${runs} seeds, ${tookS} s${where})`, shown: false };
  const detail = `${name} (${runs} seeds, ${tookS} s, seed ${caught.plan.seed}${where})`;
  // What the shipped code does on these seeds is hunted for elsewhere; of a ground nobody else tells.
  const alike = ground === undefined ? [caught.plan] : plans.slice(0, runs);
  const control = await hunt(await bundleSimWorker([applied(around)]), alike);
  if (control.caught !== null)
    return { verdict: 'ALSO WITHOUT IT', detail: `${detail}: ${lawOf(control.caught)} at seed ${control.caught.plan.seed}`, shown: false };
  return { verdict: lawOf(caught), detail, shown: true };
}

const wanted = [...mutants, ...synchronousMutants, ...quorumMutants, ...failsafeMutants]
  .slice(flags.skip)
  .filter(({ name }) => name.includes(flags.only));
if (flags.list === true) {
  for (const { name } of wanted) console.log(name);
  process.exit(0);
}
let survived = 0;
for (const mutant of wanted) {
  const { verdict, detail, shown } = await judged(mutant);
  if (!shown) survived += 1;
  console.log(`${verdict.padEnd(26)} ${detail}`);
  if (flags.record === undefined) continue;
  const line = { at: new Date().toISOString(), commit: commitOf(), mutant: mutant.name, shown, verdict, detail };
  appendFileSync(flags.record, `${JSON.stringify(line)}\n`);
}
console.log(`${wanted.length - survived} of ${wanted.length} caught by a law on random seeds`);
process.exit(survived === 0 ? 0 : 1);
