import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { runAll } from '../../bin/simPool.ts';
import type { RunReport } from '../../src/sim/report.ts';
import { planOf } from '../../src/sim/run.ts';
import { bundleSimWorker } from '../support/simWorker.ts';
import { type Mutant, mutants } from './list.ts';

/**
 * npm run mutants [-- --only TEXT --skip 0 --seeds 1000 --from 1]: takes each safety rule and guard away in turn, and
 * shows that random seeds catch it by a law, and how many it took. Ends with 1 when one survives.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const option = (name: string): string | null => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? null : (process.argv[at + 1] ?? null);
};
const only = option('only');
const from = Number(option('from') ?? 1);
const most = Number(option('seeds') ?? 1000);

const applied = (mutant: Mutant): Plugin => ({
  name: 'mutant',
  setup(esbuild) {
    const left = new Set(mutant.edits);
    esbuild.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const edits = mutant.edits.filter(({ file }) => file === relative(root, path));
      if (edits.length === 0) return undefined;
      let text = readFileSync(path, 'utf8');
      for (const one of edits) {
        const parts = text.split(one.find);
        if (parts.length !== 2)
          throw new Error(
            `${mutant.name}: ${one.file} has ${parts.length - 1} times what is to be replaced: ${one.find}`,
          );
        text = parts.join(one.replace);
        left.delete(one);
      }
      return { contents: text, loader: 'ts' };
    });
    esbuild.onEnd(() => {
      for (const { file } of left) throw new Error(`${mutant.name}: ${file} is no part of the simulator`);
    });
  },
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const survived: string[] = [];
const skip = Number(option('skip') ?? 0);
const wanted = mutants.slice(skip).filter(({ name }) => only === null || name.includes(only));
for (const mutant of wanted) {
  const worker = await bundleSimWorker([applied(mutant)]).catch((error: unknown) => {
    console.log(`NO MUTANT                  ${mutant.name}: ${String(error).split('\n')[1] ?? String(error)}`);
    return null;
  });
  if (worker === null) {
    survived.push(mutant.name);
    continue;
  }
  const beganMs = performance.now();
  let runs = 0;
  let caught: RunReport | null = null;
  const plans = Array.from({ length: most }, (_, nth) => planOf(from + nth));
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
  const took = `${runs} seeds, ${Math.round((performance.now() - beganMs) / 1000)} s`;
  const by = (caught as RunReport | null)?.findings.find(({ law }) => law !== null);
  if (by === undefined) survived.push(mutant.name);
  const verdict = by === undefined ? 'SURVIVED' : `law ${by.law} ${by.kind}`;
  const seed = caught === null ? '' : `, seed ${(caught as RunReport).plan.seed}`;
  console.log(`${verdict.padEnd(26)} ${mutant.name} (${took}${seed})`);
}
console.log(`${wanted.length - survived.length} of ${wanted.length} caught by a law on random seeds`);
process.exit(survived.length === 0 ? 0 : 1);
