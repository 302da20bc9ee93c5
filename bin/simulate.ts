import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { rules } from '../src/decide/rules.ts';
import { diagramOf } from '../src/sim/diagram.ts';
import { mostMembers } from '../src/sim/draw.ts';
import { keysOf, minimize } from '../src/sim/minimize.ts';
import { type RunReport, reportOf } from '../src/sim/report.ts';
import {
  faultNames,
  type RunAccount,
  type RunMode,
  type RunPlan,
  runModes,
  runPlan,
  safetyMinutes,
} from '../src/sim/run.ts';
import { storyOf, storyText } from '../src/sim/story.ts';
import { blankTally, count } from '../src/sim/tally.ts';
import { commitOf } from './commit.ts';
import { runAll } from './simPool.ts';
import { brokenText, classedText, commandOf, heldText, progressText, summaryJson, summaryText } from './simText.ts';

interface Flags {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly members: number | null;
  readonly peers: number | null;
  readonly mode: RunMode;
  readonly minutes: number;
  readonly writeEveryMs: number;
  readonly faults: readonly string[] | null;
  readonly jobs: number;
  readonly story?: string | true;
  readonly minimize?: true;
  readonly format: 'text' | 'json';
}

/** `matriarch simulate`: the shipped agents and guardians in a simulated world where everything fails. */
export function simulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('run the shipped agents in a simulated world where everything fails, and judge the laws')
    .option('--seeds <count>', 'how many runs', whole, 1000)
    .option('--from <seed>', 'the first seed', seedOf, 1)
    .option('--seed <seed>', 'one run only', seedOf)
    .option('--members <count>', 'nodes (default: mostly three, drawn from the seed)', membersOf, null)
    .option('--peers <count>', 'members that are Patronis (default: one, in one run of twelve)', peersOf, null)
    .addOption(new Option('--mode <mode>', 'of replication').choices(runModes).default('async'))
    .option('--minutes <minutes>', 'of virtual time with faults, before all is healed', positive, safetyMinutes)
    .option('--write-every-ms <ms>', "between two writes of each node's writer", whole, 1000)
    .option('--faults <list>', 'only these, by name (list: all of them by name)', faultsOf, null)
    .option('--jobs <count>', 'threads', whole, availableParallelism())
    .option(
      '--story [file]',
      'with --seed: tell what happened; a diagram goes to that file (default: simulate-SEED.html)',
    )
    .option('--minimize', 'with --seed: the fewest faults and the shortest time that still break the law')
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .action(async (flags: Flags, command: Command) => {
      if (flags.seed === undefined && (flags.story !== undefined || flags.minimize !== undefined))
        command.error('error: --story and --minimize tell of one run: say which with --seed');
      process.exitCode = flags.seed === undefined ? await many(flags) : await one(planOf(flags, flags.seed), flags);
    });
}

const planOf = ({ members, peers, mode, minutes, writeEveryMs, faults }: Flags, seed: number): RunPlan => ({
  seed,
  members,
  peers,
  mode,
  safetyMs: minutes * 60_000,
  writeEveryMs,
  faults,
  strikes: null,
});

/** Exit code: 0 all laws held, 1 not, 130 interrupted. */
async function many(flags: Flags): Promise<number> {
  const tally = blankTally();
  const beganMs = performance.now();
  const elapsedMs = (): number => performance.now() - beganMs;
  let interrupted = false;
  const stop = (): void => {
    if (interrupted) process.exit(130);
    interrupted = true;
    process.stderr.write('\nthe runs under way are finished first; once more ends at once\n');
  };
  process.on('SIGINT', stop);
  const live = process.stderr.isTTY;
  const tick = setInterval(
    () =>
      process.stderr.write(
        live
          ? `\r\u001b[K${progressText(tally, flags.seeds, elapsedMs())}`
          : `${progressText(tally, flags.seeds, elapsedMs())}\n`,
      ),
    live ? 500 : 10_000,
  );
  const told = (report: RunReport): { readonly goOn: boolean } => {
    count(tally, report);
    if (report.broken.length > 0) process.stderr.write(`${live ? '\r\u001b[K' : ''}${classedText(report)}\n`);
    if (report.findings.length > 0)
      process.stderr.write(`${live ? '\r\u001b[K' : ''}${brokenText(report, commitOf())}\n`);
    return { goOn: !interrupted };
  };
  function* plans(): Generator<RunPlan> {
    for (let seed = flags.from; seed < flags.from + flags.seeds; seed += 1) yield planOf(flags, seed);
  }
  try {
    await runAll(plans(), Math.min(flags.jobs, flags.seeds), told);
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    clearInterval(tick);
    process.off('SIGINT', stop);
    if (live) process.stderr.write('\r\u001b[K');
  }
  const summary = {
    tally,
    rules: rules.map(({ name }) => name),
    commit: commitOf(),
    from: flags.from,
    minutes: flags.minutes,
    elapsedMs: elapsedMs(),
  };
  process.stdout.write(flags.format === 'json' ? summaryJson(summary) : summaryText(summary));
  if (interrupted) return 130;
  return tally.broken.length === 0 ? 0 : 1;
}

async function one(plan: RunPlan, { story, minimize: minimal, format }: Flags): Promise<number> {
  const first = await runPlan(plan);
  const account = minimal === true && keysOf(first).length > 0 ? await smallest(first) : first;
  const report = reportOf(account);
  if (story !== undefined) tell(account, story === true ? `simulate-${plan.seed}.html` : story);
  if (format === 'json') process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else if (report.findings.length > 0) process.stdout.write(`${brokenText(report, commitOf())}\n`);
  else process.stdout.write(`${heldText(report)}\n`);
  if (format !== 'json' && report.broken.length > 0) process.stdout.write(`${classedText(report)}\n`);
  return report.findings.length === 0 ? 0 : 1;
}

async function smallest(broken: RunAccount): Promise<RunAccount> {
  const live = process.stderr.isTTY;
  const account = await minimize(broken, {
    tried({ tries, faults, safetyMs }) {
      const line = `try ${tries}: ${faults} faults in ${Math.round(safetyMs / 1000)} s`;
      process.stderr.write(live ? `\r\u001b[K${line}` : `${line}\n`);
    },
  });
  process.stderr.write(live ? '\r\u001b[K' : '');
  const lines = account.strikes.map(
    ({ atMs, fault, node, mendMs }) =>
      `  ${(atMs / 1000).toFixed(3).padStart(9)} s  ${node}  ${fault}${mendMs === null ? '' : `, mended at ${(mendMs / 1000).toFixed(3)} s`}`,
  );
  process.stdout.write(
    `${account.strikes.length} of ${broken.strikes.length} faults, in ${Math.round(account.plan.safetyMs / 1000)} s of ${Math.round(broken.plan.safetyMs / 1000)}:\n${lines.join('\n')}\n`,
  );
  return account;
}

function tell(account: RunAccount, file: string): void {
  const { plan, findings, cluster } = account;
  for (const line of storyOf(cluster)) process.stdout.write(`${storyText(line)}\n`);
  const title = `Seed ${plan.seed}: ${findings.length === 0 ? 'all laws held' : 'a law was broken'}`;
  writeFileSync(
    file,
    diagramOf(
      cluster,
      title,
      findings.map(({ law, kind, text }) => `${law === null ? kind : `law ${law}`}: ${text}`),
    ),
  );
  process.stderr.write(`the diagram is in ${file} (${commandOf(plan)})\n`);
}

function seedOf(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number, also as 0x2f31');
  return value;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || value > 1440) throw new InvalidArgumentError('a number above 0, at most 1440');
  return value;
}

function membersOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 2 || value > mostMembers)
    throw new InvalidArgumentError(`from 2 to ${mostMembers}`);
  return value;
}

function peersOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > mostMembers)
    throw new InvalidArgumentError(`from 0 to ${mostMembers}`);
  return value;
}

function faultsOf(text: string): readonly string[] {
  return text.split(',').map((one) => {
    const name = one.trim();
    if (faultNames.includes(name)) return name;
    throw new InvalidArgumentError(`there are: ${faultNames.join(', ')}`);
  });
}
