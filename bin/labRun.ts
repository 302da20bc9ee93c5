import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { writeScenario } from '../src/codec/scenario/write.ts';
import { type Campaign, endedEarly, failedOf } from '../src/lab/report/campaign.ts';
import { type PrintedFormat, printed, printedFormats } from '../src/lab/report/printed.ts';
import type { Played } from '../src/lab/scenario/campaign.ts';
import { logsOf, type RandomOptions, randomPlay } from '../src/lab/scenario/random.ts';
import { chooseScenarios, refuseNamesakes, shippedScenarios } from '../src/lab/scenario/shelf.ts';
import { playAll } from './labPlays.ts';
import { makeReportFolder } from './labReport.ts';
import { randomMode } from './randomMode.ts';
import { refused } from './refused.ts';
import { whole } from './whole.ts';

interface RunFlags {
  readonly list?: boolean;
  readonly print?: boolean;
  readonly times: number;
  readonly ttl: number;
  readonly agentCmd?: string;
  readonly report?: string;
  readonly compare?: string;
  readonly format: PrintedFormat;
  readonly long?: boolean;
  readonly seed: number;
  readonly minutes: number;
  readonly mode: RandomOptions['mode'];
}

/** `matriarch lab run`: accidents with a verdict. */
export function runCommand(lab: Command): void {
  lab
    .command('run')
    .description('play scenarios: break the cluster on purpose, and judge what its clients felt')
    .argument('[scenario...]', 'names, all, random, or YAML files of your own')
    .option('--list', 'name the scenarios, one a line')
    .option('--print', 'write the scenarios named as files are written, and play nothing')
    .option('--times <count>', 'play each so often', whole, 1)
    .option(
      '--ttl <seconds>',
      'of the leader lease, where the scenario does not say; Patroni needs 20 or more',
      whole,
      6,
    )
    .option('--agent-cmd <command>', "any Patroni-compatible agent, for instance 'patroni {config}'")
    .option('--report <folder>', 'write report.html, verdict.json and junit.xml there, and what was seen of each run')
    .option('--compare <file>', 'with the verdict.json of another run: another agent, another version')
    .option('--seed <number>', 'of random: which faults are drawn', whole, 1)
    .option('--minutes <count>', 'of random: how long faults strike', whole, 2)
    .addOption(randomMode())
    .option('--long', 'with all: those, too, that take many minutes')
    .addOption(
      new Option('--format <format>', 'of what is printed in the end').choices(printedFormats).default('table'),
    )
    .action(async (names: readonly string[], flags: RunFlags) => {
      if (flags.list) return list();
      if (flags.print) return print(names, flags);
      process.exit(await run(names, flags).catch(refused));
    });
}

function list(): void {
  const scenarios = shippedScenarios();
  const wide = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, title, long, red } of scenarios) {
    const notes = [long ? 'long' : '', red === null ? '' : 'known to fail'].filter((note) => note !== '');
    process.stdout.write(`${name.padEnd(wide)}  ${title}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}\n`);
  }
  process.stdout.write(`${'random'.padEnd(wide)}  Faults drawn at random by --seed, for --minutes (not part of all)\n`);
  process.stdout.write(
    `${'matrix-…, cuts-…'.padEnd(wide)}  Cases of campaigns: "matriarch campaign matrix --list" names them\n`,
  );
}

function print(names: readonly string[], { long }: RunFlags): void {
  try {
    process.stdout.write(
      chooseScenarios(names, long === true)
        .map(writeScenario)
        .join('---\n'),
    );
  } catch (error) {
    process.exit(refused(error));
  }
}

/** Exit code. */
async function run(names: readonly string[], flags: RunFlags): Promise<number> {
  if (names.length === 0) throw new Error('name scenarios, or all; "matriarch lab run --list" shows what there is');
  if (flags.mode !== 'async' && !names.includes('random'))
    throw new Error(
      `--mode ${flags.mode} is of random alone: the set-up of every other scenario says how it replicates`,
    );
  const random = names.includes('random') ? randomPlay({ ...flags, ttlS: flags.ttl, nodes: 3 }) : null;
  const plays = names.flatMap((word): readonly (Played & { readonly word: string })[] =>
    word === 'random' && random !== null
      ? [{ ...random, word }]
      : chooseScenarios([word], flags.long === true).map((scenario) => ({ scenario, word })),
  );
  refuseNamesakes(plays);
  const startedMs = performance.now();
  const say = (line: string): void => {
    const sinceS = Math.round((performance.now() - startedMs) / 1_000);
    process.stderr.write(`lab ${String(sinceS).padStart(4)} s: ${line}\n`);
  };
  const other = flags.compare === undefined ? null : campaignIn(flags.compare);
  const report = flags.report === undefined ? null : makeReportFolder(flags.report);
  const campaign = await playAll({
    plays,
    times: flags.times,
    ttlS: flags.ttl,
    agentCommand: flags.agentCmd ?? null,
    say,
    judged: (verdict, evidence, lab) => report?.keep(verdict, evidence, lab),
  });
  if (random !== null) {
    // Also when it was ended before its time: what struck until then can be played again.
    const runs = flags.times * names.filter((word) => word === 'random').length;
    const logs = logsOf(random, runs);
    if (logs.length === 0) say('nothing has struck: there is nothing to play again');
    for (const { file, log } of logs) {
      const path = join(flags.report ?? tmpdir(), file);
      writeFileSync(path, writeScenario(log));
      say(`what struck is in ${path}: "matriarch lab run ${path}" plays it again`);
    }
  }
  if (report !== null) say(`the report is ${report.write(campaign)}`);
  const { stdout, stderr } = printed(campaign, other, flags.format);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  const early = endedEarly(campaign);
  if (early !== null) {
    say(early);
    return 130;
  }
  return failedOf(campaign).length === 0 ? 0 : 1;
}

/** What `--report` of this program wrote; of its shape no more is asked than tells it from other files. */
function campaignIn(path: string): Campaign {
  const value: Campaign = JSON.parse(readFileSync(path, 'utf8'));
  // Files from before it was said how many runs were asked for count as whole.
  if (Array.isArray(value.verdicts) && typeof value.agentCommand === 'string')
    return { ...value, runsWanted: value.runsWanted ?? value.verdicts.length, endedBy: value.endedBy ?? null };
  throw new Error(`${path} is no verdict.json of "lab run"`);
}
