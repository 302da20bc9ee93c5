import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { type RunMode, type RunPlan, runModes, safetyMinutes } from '../src/sim/run.ts';
import { blankTally, classedIn, count } from '../src/sim/tally.ts';
import { commitOf } from './commit.ts';
import { refused } from './refused.ts';
import { runAll } from './simPool.ts';
import { brokenText, commandOf, progressText } from './simText.ts';
import { appendToRecord, type RecordLine, readRecord, trackRecordPath } from './trackRecord.ts';
import { whole } from './whole.ts';

/** One stretch of a campaign, as a line of the track record. */
interface Stretch extends RecordLine {
  readonly campaign: 'simulate';
  /** Absent: async. */
  readonly mode?: RunMode;
  readonly from: number;
  readonly runs: number;
  readonly minutes: number;
  readonly virtualHours: number;
  readonly faults: number;
  readonly promotions: number;
  readonly acknowledged: number;
  /** Runs in which no guard ran as a right to lead ended, how often, and the longest time of two primaries. */
  readonly classed: ReturnType<typeof classedIn>;
  /** The commands that repeat the runs that broke a law. */
  readonly broken: readonly string[];
}

/** Runs between two lines: what an interruption may cost. */
const stretchRuns = 200;

/** `npm run campaign simulate -- --times N`: seeds of simulated clusters, by the thousand. */
export function campaignSimulate(campaign: Command): void {
  campaign
    .command('simulate')
    .description('simulated clusters, a seed each')
    .option('--times <count>', 'how many runs', whole, 1000)
    .option('--seed, --from <seed>', 'the first seed (default: after the last one on record)', whole)
    .option('--minutes <minutes>', 'of virtual time with faults', whole, safetyMinutes)
    .addOption(new Option('--mode <mode>', 'of replication').choices(runModes).default('async'))
    .option('--record <file>', 'that results are added to', trackRecordPath)
    .action(async (flags: Flags) => process.exit(await prove(flags).catch(refused)));
}

/** Exit code. */
async function prove(flags: Flags): Promise<number> {
  const { times, from } = flags;
  const first = from ?? nextSeed(flags);
  process.stderr.write(`seeds ${first} to ${first + times - 1}, results in ${flags.record}\n`);
  let broken = 0;
  let interrupted = false;
  process.on('SIGINT', () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    process.stderr.write('\nthe runs under way are finished and recorded; once more ends at once\n');
  });
  for (let at = first; at < first + times && !interrupted; at += stretchRuns) {
    const runs = Math.min(stretchRuns, first + times - at);
    broken += await stretch(at, runs, flags, () => !interrupted);
  }
  if (interrupted) return 130;
  return broken === 0 ? 0 : 1;
}

interface Flags {
  readonly times: number;
  readonly from?: number;
  readonly minutes: number;
  readonly mode: RunMode;
  readonly record: string;
}

async function stretch(
  from: number,
  wanted: number,
  { minutes, mode, record }: Flags,
  goOn: () => boolean,
): Promise<number> {
  const tally = blankTally();
  const beganMs = performance.now();
  const plans = Array.from(
    { length: wanted },
    (_, nth): RunPlan => ({
      seed: from + nth,
      members: null,
      peers: null,
      mode,
      safetyMs: minutes * 60_000,
      writeEveryMs: 1000,
      faults: null,
      strikes: null,
    }),
  );
  const commit = commitOf();
  await runAll(plans, availableParallelism(), (report) => {
    count(tally, report);
    if (report.findings.length > 0) process.stderr.write(`${brokenText(report, commit)}\n`);
    return { goOn: goOn() };
  });
  const line: Stretch = {
    campaign: 'simulate',
    ...(mode === 'async' ? {} : { mode }),
    at: new Date().toISOString(),
    commit,
    from,
    // Threads take seeds in order: what was begun was finished.
    runs: tally.runs,
    minutes,
    virtualHours: Math.round(tally.virtualMs / 36_000) / 100,
    faults: [...tally.faults.values()].reduce((a, b) => a + b, 0),
    promotions: tally.promotions,
    acknowledged: tally.acknowledged,
    classed: classedIn(tally),
    broken: tally.broken.map(({ plan }) => commandOf(plan)),
  };
  appendToRecord(line, record);
  process.stderr.write(`${progressText(tally, wanted, performance.now() - beganMs)}\n`);
  return tally.broken.length;
}

function nextSeed({ minutes, mode, record }: Flags): number {
  const alike = readRecord<Stretch>('simulate', record).filter(
    (line) => line.minutes === minutes && (line.mode ?? 'async') === mode,
  );
  return Math.max(1, ...alike.map((line) => line.from + line.runs));
}
