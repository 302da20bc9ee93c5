import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { writeScenario } from '../src/codec/scenario/write.ts';
import { keepLogsOf } from '../src/lab/bench/keepLogs.ts';
import { makeEnding } from '../src/lab/ending.ts';
import { type Campaign, failedOf } from '../src/lab/report/campaign.ts';
import { compare } from '../src/lab/report/compare.ts';
import { htmlOf, sectionOf } from '../src/lab/report/html.ts';
import { junitOf } from '../src/lab/report/junit.ts';
import { tableOf } from '../src/lab/report/table.ts';
import { type Played, runCampaign } from '../src/lab/scenario/campaign.ts';
import { randomPlay } from '../src/lab/scenario/random.ts';
import { chooseScenarios, shippedScenarios } from '../src/lab/scenario/shelf.ts';

interface RunFlags {
  readonly list?: boolean;
  readonly times: number;
  readonly ttl: number;
  readonly agentCmd?: string;
  readonly report?: string;
  readonly compare?: string;
  readonly format: 'table' | 'json' | 'junit';
  readonly long?: boolean;
  readonly seed: number;
  readonly minutes: number;
}

/** `matriarch lab run`: accidents with a verdict. */
export function runCommand(lab: Command): void {
  lab
    .command('run')
    .description('play scenarios: break the cluster on purpose, and judge what its clients felt')
    .argument('[scenario...]', 'names, all, random, or YAML files of your own')
    .option('--list', 'name the scenarios, one a line')
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
    .option('--long', 'with all: those, too, that take many minutes')
    .addOption(
      new Option('--format <format>', 'of what is printed in the end')
        .choices(['table', 'json', 'junit'])
        .default('table'),
    )
    .action(async (names: readonly string[], flags: RunFlags) => {
      if (flags.list) return list();
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
}

/** Exit code. */
async function run(names: readonly string[], flags: RunFlags): Promise<number> {
  if (names.length === 0) throw new Error('name scenarios, or all; "matriarch lab run --list" shows what there is');
  const random = names.includes('random') ? randomPlay({ ...flags, ttlS: flags.ttl, nodes: 3 }) : null;
  const plays = names.flatMap((name): readonly Played[] =>
    name === 'random' && random !== null
      ? [random]
      : chooseScenarios([name], flags.long === true).map((scenario) => ({ scenario })),
  );
  const startedMs = performance.now();
  const say = (line: string): void => {
    const sinceS = Math.round((performance.now() - startedMs) / 1_000);
    process.stderr.write(`lab ${String(sinceS).padStart(4)} s: ${line}\n`);
  };
  const other = flags.compare === undefined ? null : campaignIn(flags.compare);
  const folder = flags.report === undefined ? null : reportFolder(flags.report);
  const ending = makeEnding();
  let down = async (): Promise<void> => {};
  let over = false;
  const sections: string[] = [];
  const running = runCampaign({
    plays,
    times: flags.times,
    ttlS: flags.ttl,
    agentCommand: flags.agentCmd ?? null,
    say,
    began: (end) => (down = end),
    over: () => over,
    judged(verdict, evidence, played) {
      if (folder === null) return;
      sections.push(sectionOf(verdict, evidence));
      const own = join(folder, `${verdict.scenario}-${verdict.run}`);
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, 'evidence.json.gz'), gzipSync(`${JSON.stringify(evidence)}\n`));
      if (!verdict.passed && played !== null) keepLogsOf(played, join(own, 'logs'));
    },
  });
  const ended = ending.ended.then(() => {
    over = true;
    say('ending');
    return 'interrupted' as const;
  });
  const how = await Promise.race([running.played, ended]).finally(() => down());
  if (random !== null) {
    // Also when it was ended before its time: what struck until then can be played again.
    const log = join(folder ?? tmpdir(), `${random.scenario.name}.yml`);
    writeFileSync(log, writeScenario(random.taken()));
    say(`what struck is in ${log}: "matriarch lab run ${log}" plays it again`);
  }
  const campaign = running.soFar();
  if (folder !== null) {
    writeFileSync(join(folder, 'report.html'), htmlOf(campaign, sections));
    writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(campaign, null, 2)}\n`);
    writeFileSync(join(folder, 'junit.xml'), junitOf(campaign));
    say(`the report is ${join(folder, 'report.html')}`);
  }
  if (campaign.verdicts.length > 0) process.stdout.write(shown(campaign, flags.format));
  if (other !== null) process.stdout.write(`\n${compare(campaign, other)}`);
  if (how === 'interrupted') return 130;
  return failedOf(campaign).length === 0 ? 0 : 1;
}

function shown(campaign: Campaign, format: RunFlags['format']): string {
  if (format === 'json') return `${JSON.stringify(campaign, null, 2)}\n`;
  return format === 'junit' ? junitOf(campaign) : tableOf(campaign);
}

/** What `--report` of this program wrote; of its shape no more is asked than tells it from other files. */
function campaignIn(path: string): Campaign {
  const value: Campaign = JSON.parse(readFileSync(path, 'utf8'));
  if (Array.isArray(value.verdicts) && typeof value.agentCommand === 'string') return value;
  throw new Error(`${path} is no verdict.json of "lab run"`);
}

function reportFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  if (existsSync(join(folder, 'verdict.json')))
    throw new Error(`${folder} holds a report already: name another folder`);
  return folder;
}

function refused(error: unknown): number {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0');
  return value;
}
