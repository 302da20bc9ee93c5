import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { runAll } from '../../bin/simPool.ts';
import { brokenText, progressText } from '../../bin/simText.ts';
import { rules } from '../../src/decide/rules.ts';
import { planOf } from '../../src/sim/run.ts';
import { blankTally, count } from '../../src/sim/tally.ts';
import { bundleSimWorker } from '../support/simWorker.ts';

/**
 * Random faults, a run for each seed. SIM_SEEDS=1-2000 runs others than usual; SIM_SECONDS stops early, so that a slow
 * machine is not kept for minutes. One alone, with its story: matriarch simulate --seed 81 --minutes 4
 * --write-every-ms 250 --story.
 */
const [first = 1, last = 100] = (process.env.SIM_SEEDS ?? '1-100').split('-').map(Number);
const limitMs = Number(process.env.SIM_SECONDS ?? 50) * 1000;

test(`seeds ${first} to ${last}: whatever fails, the laws hold, and afterwards the cluster comes back by itself`, async (t) => {
  const beganMs = performance.now();
  const elapsedMs = (): number => performance.now() - beganMs;
  const tally = blankTally();
  const plans = Array.from({ length: last - first + 1 }, (_, index) => planOf(first + index));
  await runAll(
    plans,
    availableParallelism(),
    (report) => {
      count(tally, report);
      return { goOn: elapsedMs() < limitMs };
    },
    await bundleSimWorker(),
  );
  t.diagnostic(progressText(tally, plans.length, elapsedMs()));
  t.diagnostic(
    `rules that never decided: ${rules
      .map(({ name }) => name)
      .filter((name) => !tally.rules.has(name))
      .join(', ')}`,
  );
  assert.equal(tally.broken.length, 0, tally.broken.map((report) => brokenText(report, 'HEAD')).join('\n'));
});
