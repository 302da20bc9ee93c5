import { hostname } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { trafficClock } from '../src/traffic/clock.ts';
import { listen } from '../src/traffic/probe/listen.ts';
import { type ProbePath, startProbe } from '../src/traffic/probe/probe.ts';
import { eventJson, eventLine, startJson, startText, summaryJson, summaryText } from '../src/traffic/probe/tell.ts';
import { makeSql } from '../src/world/sql.ts';
import { targetsOf } from './targets.ts';

interface Flags {
  readonly write?: readonly string[];
  readonly read?: readonly string[];
  readonly rate: number;
  readonly limitMs: number;
  readonly gapMs?: number;
  readonly fresh?: true;
  readonly listen?: { readonly host: string; readonly port: number };
  readonly format: 'text' | 'json';
}

const rateMax = 100;

/** `matriarch probe`: how long clients of a PostgreSQL go without, for as long as it runs. */
export function probeCommand(program: Command): void {
  const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
  program
    .command('probe')
    .description(
      'measure what clients of any PostgreSQL go without, for years: lines for people, metrics for Prometheus',
    )
    .argument('[target...]', 'to write through: a port, host:port[,host:port…], or a libpq connection string or URL')
    .option('--write <target>', 'the same; a way of its own each time', several)
    .option('--read <target>', 'to read through', several)
    .option('--rate <perSecond>', `statements a second on each way, at most ${rateMax}`, rate, 5)
    .option(
      '--gap-ms <ms>',
      'from this long without an answer on it is a gap (default: 1000, or three statements)',
      above0,
    )
    .option('--limit-ms <ms>', 'give an answer up after this long', above0, 2000)
    .option('--fresh', 'a new connection for each statement: what clients without a pool feel')
    .option('--listen <host:port>', 'where /metrics is served; without it no port is opened', place)
    .option('--format <format>', 'text: a line for each gap begun and ended; json: an object for each', format, 'text')
    .addHelpText(
      'after',
      `
The writes go to matriarch_probe.appends, which is made if it is missing and never grows beyond some thousand rows. The
password comes from PGPASSWORD, ~/.pgpass or passfile=; in the connection string others can see it in the list of processes.

  matriarch probe --write ha:5000 --read ha:5001 --listen 0.0.0.0:9988`,
    )
    .action(run);
}

async function run(given: readonly string[], flags: Flags, command: Command): Promise<void> {
  const fail = (why: string): never => command.error(`error: ${why}`, { exitCode: 2 });
  const paths = [
    ...[...given, ...(flags.write ?? [])].map((text) => pathOf('write', text)),
    ...(flags.read ?? []).map((text) => pathOf('read', text)),
  ];
  if (paths.length === 0)
    fail('nothing to probe: name a connection to write through, or one to read through with --read');
  const names = paths.map(({ kind, target }) => `${kind} ${target}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) fail(`${twice} is given twice: each way has metrics of its own, by this name`);
  const everyMs = 1000 / flags.rate;
  const thresholdMs = flags.gapMs ?? Math.max(1000, Math.round(3 * everyMs));
  if (thresholdMs < 2 * everyMs)
    fail(`--gap-ms ${thresholdMs} is less than two statements at --rate ${flags.rate}: raise one of them`);

  const isJson = flags.format === 'json';
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const probe = startProbe({ sql: makeSql(), clock: trafficClock }, paths, {
    everyMs,
    limitMs: flags.limitMs,
    thresholdMs,
    fresh: flags.fresh === true,
    run: `${hostname()}/${process.pid}/${Date.now()}`,
    tell: (event) => say(isJson ? eventJson(event) : eventLine(event)),
  });
  const door = flags.listen === undefined ? null : await listen(probe, flags.listen);
  if (door?.kind === 'failed') fail(door.why);
  const port = door?.kind === 'listening' ? door.port : null;
  const begun = { rate: flags.rate, thresholdMs, host: flags.listen?.host ?? null, port };
  say(isJson ? startJson(paths, begun, Date.now()) : startText(paths, begun));
  await untilSignal();
  await probe.stop();
  say(isJson ? summaryJson(probe.status(), Date.now()) : summaryText(probe.status()));
  process.exit(0);
}

/** What it is called wherever people see it: no user, no password. */
function pathOf(kind: 'write' | 'read', text: string): ProbePath {
  const targets = targetsOf(text, 'matriarch probe');
  const hosts = targets.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  return { kind, target: `${hosts}/${targets[0]?.database ?? ''}`, targets };
}

/** Once: the second Ctrl-C does not wait for a statement that hangs. */
const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });

function above0(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < 1e9)) throw new InvalidArgumentError('a number of milliseconds above 0 is wanted.');
  return number;
}

function rate(text: string): number {
  const number = Number(text);
  if (!(number >= 0.01 && number <= rateMax))
    throw new InvalidArgumentError(
      `a number from 0.01 to ${rateMax} is wanted: a probe is no load test (matriarch traffic is closer to one).`,
    );
  return number;
}

function place(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new InvalidArgumentError('host:port is wanted, as in 127.0.0.1:9988, or *:9988 for all addresses.');
  return { host: bracketed ?? (plain || '*'), port };
}

function format(text: string): 'text' | 'json' {
  if (text === 'text' || text === 'json') return text;
  throw new InvalidArgumentError("'text' or 'json' is wanted.");
}
