import { parentPort } from 'node:worker_threads';
import { reportOf } from '../src/sim/report.ts';
import { type RunPlan, runPlan } from '../src/sim/run.ts';

/** A thread of `matriarch simulate`: a plan comes in, a report goes out. */
parentPort?.on('message', (plan: RunPlan) => {
  void runPlan(plan).then((account) => parentPort?.postMessage(reportOf(account)));
});
