import { Worker } from 'node:worker_threads';
import type { RunReport } from '../src/sim/report.ts';
import type { RunPlan } from '../src/sim/run.ts';

/** What a run throws away at once is much: in so much room few of it is still in use when it is looked through. */
const youngMb = 96;

/** Beside the bundle. */
const workerFile = new URL('./simWorker.js', import.meta.url);

/**
 * Runs plans on worker threads, each told of when it is over, in whatever order; `done` false: no more are begun. A thread
 * that dies (a simulator that throws) ends it all with its error.
 */
export async function runAll(
  plans: Iterable<RunPlan>,
  threads: number,
  told: (report: RunReport) => { readonly goOn: boolean },
  file: URL = workerFile,
): Promise<void> {
  const next = plans[Symbol.iterator]();
  let goOn = true;
  await Promise.all(Array.from({ length: threads }, work));

  async function work(): Promise<void> {
    // What was loaded before the main program (a loader, a recorder) is not for a bundle.
    const worker = new Worker(file, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: youngMb } });
    try {
      for (let plan = next.next(); goOn && plan.done !== true; plan = next.next()) {
        const report = await ask(worker, plan.value);
        goOn = told(report).goOn && goOn;
      }
    } finally {
      await worker.terminate();
    }
  }
}

const ask = (worker: Worker, plan: RunPlan): Promise<RunReport> =>
  new Promise((resolve, reject) => {
    const failed = (error: unknown): void => {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      reject(new Error(`the simulator failed at seed ${plan.seed}: ${why}`));
    };
    worker.removeAllListeners();
    worker.once('message', resolve).once('error', failed);
    worker.once('exit', () => failed('its thread ended'));
    worker.postMessage(plan);
  });
