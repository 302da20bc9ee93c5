import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAll } from '../../bin/simPool.ts';
import { type RunReport, reportOf } from '../../src/sim/report.ts';
import { planOf, runPlan } from '../../src/sim/run.ts';
import { bundleSimWorker } from '../support/simWorker.ts';

test('a seed is a whole story: run again, it is the same to the byte', async () => {
  for (const seed of [3, 14]) {
    const one = await runPlan(planOf(seed));
    const again = await runPlan(planOf(seed));
    assert.equal(again.cluster.story(), one.cluster.story());
  }
});

test('so is a run with a Patroni in it, and what that breaks is not told as ours', async () => {
  const plan = { ...planOf(95003), peers: 1 };
  const one = await runPlan(plan);
  const again = await runPlan(plan);
  assert.equal(again.cluster.story(), one.cluster.story());
  const patronis = [...one.cluster.nodes.values()].filter(({ runs }) => runs === 'patroni');
  assert.equal(patronis.length, 1);
  assert.deepEqual(one.findings, []);
});

test('a run is the same in a thread as it is here', async () => {
  const here = reportOf(await runPlan(planOf(8)));
  const reports: RunReport[] = [];
  const told = (report: RunReport): { readonly goOn: boolean } => {
    reports.push(report);
    return { goOn: true };
  };
  await runAll([planOf(8)], 1, told, await bundleSimWorker());
  assert.deepEqual(reports, [here]);
});

test('a run repeated from what struck in it is the same run', async () => {
  const drawn = await runPlan(planOf(14));
  const repeated = await runPlan({ ...planOf(14), strikes: drawn.strikes });
  assert.ok(drawn.strikes.length > 10);
  assert.equal(repeated.cluster.story(), drawn.cluster.story());
});
