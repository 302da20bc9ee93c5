import { setFlagsFromString } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import { reportOf } from '../src/sim/report.ts';
import { type RunPlan, runPlan } from '../src/sim/run.ts';

// Every run makes its closures anew, and what was optimized for the last run's is of no use to the next: V8 spent a third of
// all time on that. It now waits until a function is ten times as hot.
setFlagsFromString('--interrupt-budget=1000000');

/** A thread of `matriarch simulate`: a plan comes in, a report goes out. */
parentPort?.on('message', (plan: RunPlan) => {
  void runPlan(plan).then((account) => parentPort?.postMessage(reportOf(account)));
});
