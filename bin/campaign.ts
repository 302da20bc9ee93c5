import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { type RunMode, type RunPlan, runModes, safetyMinutes } from '../src/sim/run.ts';
import { blankTally, classedIn, count } from '../src/sim/tally.ts';
import { commitOf } from './commit.ts';
import { runAll } from './simPool.ts';
import { brokenText, commandOf, progressText } from './simText.ts';

/** One stretch of a campaign, as a line of the track record. */
interface Stretch {
  readonly campaign: 'simulate';
  /** Absent: async. */
  readonly mode?: RunMode;
  readonly at: string;
  readonly commit: string;
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

const trackRecord = fileURLToPath(new URL('../docs/track-record.jsonl', import.meta.url));
/** Runs between two lines: what an interruption may cost. */
const stretchRuns = 200;

/** `npm run campaign simulate -- --times N`: longer proofs, resumed where the last one ended, that add up over days. */
export function campaignCommand(program: Command): void {
  program
    .command('campaign')
    .description(
      'longer proofs: each result is appended to docs/track-record.jsonl, and the next one goes on from there',
    )
    .addArgument(new Argument('<name>', 'what to prove').choices(['simulate']))
    .option('--times <count>', 'how many runs', whole, 1000)
    .option('--seed, --from <seed>', 'the first seed (default: after the last one on record)', whole)
    .option('--minutes <minutes>', 'of virtual time with faults', whole, safetyMinutes)
    .addOption(new Option('--mode <mode>', 'of replication').choices(runModes).default('async'))
    .action(async (_name: 'simulate', flags: Flags) => {
      const { times, from } = flags;
      const first = from ?? nextSeed(flags);
      process.stderr.write(`seeds ${first} to ${first + times - 1}, results in docs/track-record.jsonl\n`);
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
      process.exit(interrupted ? 130 : broken === 0 ? 0 : 1);
    });
}

interface Flags {
  readonly times: number;
  readonly from?: number;
  readonly minutes: number;
  readonly mode: RunMode;
}

async function stretch(from: number, wanted: number, { minutes, mode }: Flags, goOn: () => boolean): Promise<number> {
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
  appendFileSync(trackRecord, `${JSON.stringify(line)}\n`);
  process.stderr.write(`${progressText(tally, wanted, performance.now() - beganMs)}\n`);
  return tally.broken.length;
}

function nextSeed({ minutes, mode }: Flags): number {
  const lines = existsSync(trackRecord) ? readFileSync(trackRecord, 'utf8').split('\n') : [];
  const ends = lines.flatMap((text, index) => {
    if (text === '') return [];
    const line = parsed(text, index + 1);
    const alike = line.campaign === 'simulate' && line.minutes === minutes && (line.mode ?? 'async') === mode;
    return alike ? [line.from + line.runs] : [];
  });
  return Math.max(1, ...ends);
}

function parsed(text: string, lineNumber: number): Stretch {
  try {
    return JSON.parse(text) as Stretch;
  } catch {
    process.stderr.write(`docs/track-record.jsonl, line ${lineNumber}: no JSON. Mend or remove it, or say --from\n`);
    process.exit(1);
  }
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0');
  return value;
}
