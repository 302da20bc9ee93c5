import { type Command, InvalidArgumentError } from 'commander';
import { countAppends, judge } from '../src/model/laws.ts';
import type { SqlTarget } from '../src/model/world.ts';
import type { Client } from '../src/traffic/client.ts';
import { trafficClock } from '../src/traffic/clock.ts';
import { openHistoryFile, readHistoryFiles } from '../src/traffic/historyFile.ts';
import { readHoldings } from '../src/traffic/holdings.ts';
import type { Served, TrafficStatus } from '../src/traffic/meter.ts';
import { makeMonitor } from '../src/traffic/monitor.ts';
import { makeReader } from '../src/traffic/reader.ts';
import type { Outside } from '../src/traffic/seek.ts';
import { servedLine, statusLine } from '../src/traffic/show.ts';
import { makeWriter } from '../src/traffic/writer.ts';
import { makeSql } from '../src/world/sql.ts';
import { targetsOf } from './targets.ts';

interface Flags {
  readonly rate: number;
  readonly history?: string;
  readonly key?: string;
  readonly client?: string;
  readonly fresh?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly limitMs: number;
  readonly nodes?: Readonly<Record<string, string>>;
}

/** `matriarch traffic …`: what a client of the database feels, and the history that the laws judge. */
export function trafficCommands(program: Command): void {
  const outside: Outside = { sql: makeSql(), clock: trafficClock };
  const traffic = program.command('traffic').description('write and read, and measure what a client feels');
  for (const kind of ['write', 'read'] as const) {
    traffic
      .command(kind)
      .description(kind === 'write' ? 'ordered appends, one after another' : 'read the newest value')
      .argument('<target>', 'a port, host:port[,host:port…], or a libpq connection string or URL')
      .option('--rate <perSecond>', 'statements a second', positive, kind === 'write' ? 20 : 2)
      .option('--limit-ms <ms>', 'give an answer up after this long', positive, 2000)
      .option('--history <file>', 'append what was seen, one JSON object a line')
      .option(
        '--key <key>',
        kind === 'write' ? 'key of the appends (must be new)' : 'key to read (default: the newest of all)',
      )
      .option('--client <name>', 'who is told in the history to have done it')
      .option('--nodes <list>', 'names of addresses: node1=10.0.0.1:5432,…', nodeNames)
      .option('--fresh', 'a new connection for each statement')
      .option('--quiet', 'no line per statement, only the summary')
      .option('--json', 'a status line a second, as JSON')
      .action((target: string, flags: Flags) => run(outside, kind, targetsOf(target), flags));
  }
  traffic
    .command('monitor')
    .description('witness of split brain: writes to its own node only, over the socket')
    .requiredOption('--node <name>', "the node's name")
    .requiredOption('--socket <directory>', 'directory of the unix socket')
    .requiredOption('--history <file>', 'append what was acknowledged, one JSON object a line')
    .option('--port <port>', "PostgreSQL's port", positive, 5432)
    .option('--user <name>', 'database user', 'postgres')
    .option('--every-ms <ms>', 'pace', positive, 10)
    .action(
      async (flags: { node: string; socket: string; history: string; port: number; user: string; everyMs: number }) => {
        const history = openHistoryFile(flags.history);
        const target = targetsOf(`host='${flags.socket}' port=${flags.port} user='${flags.user}' dbname=postgres`)[0];
        if (target === undefined) return;
        const monitor = makeMonitor(outside, target, { ...flags, run: String(Date.now()), history });
        await untilSignal();
        await Promise.race([monitor.stop(), outside.clock.sleep(1000)]);
        process.exit(0);
      },
    );
  traffic
    .command('judge')
    .description('judge histories by the laws; exit 1 when one is broken')
    .argument('<history...>')
    .option('--held-by <target>', 'compare with what this server holds: the surviving primary')
    .option('--fence-ms <ms>', 'how long after its right ended a node may still write', positive, 1000)
    .option('--loss-ms <ms>', 'asynchronous: how much of the end of a reign may be lost', nonNegative, 0)
    .action(async (files: string[], flags: { heldBy?: string; fenceMs: number; lossMs: number }) => {
      const seen = readHistoryFiles(files);
      const keys = new Set(
        seen.flatMap((fact) => (fact.kind === 'write' && !fact.client.startsWith('monitor/') ? [fact.key] : [])),
      );
      const [target] = flags.heldBy === undefined ? [] : targetsOf(flags.heldBy);
      const held = target === undefined ? null : await readHoldings(outside, target, [...keys]);
      if (held?.kind === 'failed') throw new Error(`cannot read what the server holds: ${held.why}`);
      const history = [...seen, ...(held?.holdings ?? [])];
      const loss = flags.lossMs === 0 ? ({ kind: 'none' } as const) : ({ kind: 'tail', ms: flags.lossMs } as const);
      const violations = judge(history, { fenceMs: flags.fenceMs, loss });
      for (const violation of violations) process.stdout.write(`${JSON.stringify(violation)}\n`);
      process.stdout.write(`${JSON.stringify({ violations: violations.length, ...countAppends(history) })}\n`);
      process.exitCode = violations.length === 0 ? 0 : 1;
    });
}

async function run(
  outside: Outside,
  kind: 'write' | 'read',
  targets: readonly SqlTarget[],
  flags: Flags,
): Promise<void> {
  const history = flags.history === undefined ? undefined : openHistoryFile(flags.history);
  const chatty = flags.quiet !== true && flags.json !== true;
  const options = {
    everyMs: 1000 / flags.rate,
    limitMs: flags.limitMs,
    ...(flags.fresh === undefined ? {} : { fresh: flags.fresh }),
    ...(history === undefined ? {} : { history }),
    ...(flags.client === undefined ? {} : { client: flags.client }),
    ...(flags.nodes === undefined ? {} : { nodes: flags.nodes }),
    ...(chatty
      ? {
          onServed: (served: Served, gapMs: number | null) =>
            void process.stdout.write(`${servedLine(kind, served, gapMs, client.status(), new Date())}\n`),
        }
      : {}),
  };
  const client: Client =
    kind === 'write'
      ? makeWriter(outside, targets, { ...options, key: flags.key ?? `writer-${process.pid}-${Date.now()}` })
      : makeReader(outside, targets, { ...options, key: flags.key ?? null });
  const telling = flags.json === true ? setInterval(tellStatus(client), 100) : null;
  await untilEnded(client, chatty && process.stdout.isTTY === true);
  if (telling !== null) clearInterval(telling);
  await client.stop();
  process.stdout.write(flags.json === true ? jsonLine(client.status()) : `${statusLine(client.status())}\n`);
  process.exit(0);
}

/** A line a second, and at once when a gap begins or is over: whoever watches shall not feel it later than the client. */
function tellStatus(client: Client): () => void {
  let toldMs = 0;
  let before: string | undefined;
  return () => {
    const status = client.status();
    const gap = JSON.stringify(status.gaps.at(-1));
    const nowMs = performance.now();
    if (nowMs - toldMs < 995 && gap === before) return;
    toldMs = nowMs;
    before = gap;
    process.stdout.write(jsonLine(status));
  };
}

const jsonLine = (status: TrafficStatus): string => `${JSON.stringify({ wallMs: Date.now(), ...status })}\n`;

/** At a terminal the first Ctrl-C only connects anew, which shows round robin at work; a second within 2 s ends. */
function untilEnded(client: Client, interactive: boolean): Promise<void> {
  if (!interactive) return untilSignal();
  return new Promise((resolve) => {
    let lastMs = 0;
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => {
      if (Date.now() - lastMs < 2000) return resolve();
      lastMs = Date.now();
      process.stdout.write('connecting anew (Ctrl-C again ends)\n');
      client.reconnect();
    });
  });
}

const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.on('SIGINT', () => resolve());
    process.on('SIGTERM', () => resolve());
  });

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('a number above 0 is wanted.');
  return number;
}

function nonNegative(text: string): number {
  const number = Number(text);
  if (!(number >= 0)) throw new InvalidArgumentError('a number is wanted.');
  return number;
}

/** `node1=10.0.0.1:5432,…` as address → name. */
function nodeNames(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [name, address] = pair.split('=');
      if (name === undefined || address === undefined) throw new InvalidArgumentError('name=address,… is wanted.');
      return [address.includes(':') ? address : `${address}:5432`, name];
    }),
  );
}
