import { type Command, InvalidArgumentError } from 'commander';
import type { SqlTarget } from '../src/model/world.ts';
import type { Client } from '../src/traffic/client.ts';
import { trafficClock } from '../src/traffic/clock.ts';
import { whyAndRemedy } from '../src/traffic/hints.ts';
import { hasKey, openHistoryFile } from '../src/traffic/historyFile.ts';
import type { Served, TrafficStatus } from '../src/traffic/meter.ts';
import { makeMonitor } from '../src/traffic/monitor.ts';
import { makeOutageTeller } from '../src/traffic/outage.ts';
import { makeReader } from '../src/traffic/reader.ts';
import type { Outside, Role } from '../src/traffic/seek.ts';
import { finalStatus, servedLine, statusLine, timedLine } from '../src/traffic/show.ts';
import { type HistorySink, makeWriter } from '../src/traffic/writer.ts';
import { whyOf } from '../src/world/failure.ts';
import { makeSql } from '../src/world/sql.ts';
import { targetsOf } from './targets.ts';
import { passwordHelp, positive, wrong } from './trafficFlags.ts';
import { judgeCommand } from './trafficJudge.ts';

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
      .option('--quiet', 'no line per statement: the summary, and outages on stderr')
      .option('--json', 'a status line a second, as JSON; outages are told on stderr')
      .addHelpText('after', passwordHelp)
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
        const history = openHistory(flags.history);
        const target = targetsOf(`host='${flags.socket}' port=${flags.port} user='${flags.user}' dbname=postgres`)[0];
        if (target === undefined) return;
        const monitor = makeMonitor(outside, target, { ...flags, run: String(Date.now()), history });
        await untilSignal();
        await Promise.race([monitor.stop(), outside.clock.sleep(1000)]);
        process.exit(0);
      },
    );
  judgeCommand(traffic, outside);
}

/** With the path that nothing can be written to, and no stack. */
function openHistory(path: string): HistorySink {
  try {
    return openHistoryFile(path);
  } catch (error) {
    return wrong(`cannot write the history ${path}: ${whyOf(error)}`);
  }
}

/** How often it is looked whether an outage is to be told of again. */
const lookEveryMs = 100;
/** Between answers at a steady pace: no gap yet. */
const gapMsOf = (everyMs: number): number => 2 * everyMs + 100;

async function run(
  outside: Outside,
  kind: 'write' | 'read',
  targets: readonly SqlTarget[],
  flags: Flags,
): Promise<void> {
  if (kind === 'write' && flags.history !== undefined && hasKey(flags.history, flags.key))
    usedKey(flags.key, flags.history);
  const history = flags.history === undefined ? undefined : openHistory(flags.history);
  const chatty = flags.quiet !== true && flags.json !== true;
  const everyMs = 1000 / flags.rate;
  const begunMs = outside.clock.now();
  const outage = makeOutageTeller(begunMs, gapMsOf(everyMs));
  // What programs read stays whole: there they are told beside it.
  const told = chatty ? process.stdout : process.stderr;
  const tell = (text: string | null): void => void (text === null || told.write(timedLine(text, new Date())));
  const options = {
    everyMs,
    limitMs: flags.limitMs,
    ...(flags.fresh === undefined ? {} : { fresh: flags.fresh }),
    ...(history === undefined ? {} : { history }),
    ...(flags.client === undefined ? {} : { client: flags.client }),
    ...(flags.nodes === undefined ? {} : { nodes: flags.nodes }),
    onServed(served: Served, gapMs: number | null, target: SqlTarget) {
      const nowMs = outside.clock.now();
      if (served.outcome === 'acknowledged') {
        tell(outage.answered(served.host, nowMs));
        if (chatty) tell(servedLine(kind, served, gapMs, client.status()));
        return;
      }
      // A read whose answer was lost has changed nothing: there is no doubt about it.
      const outcome = kind === 'read' ? 'failed' : served.outcome;
      const { value, error, why = null } = served;
      tell(outage.failed({ at: placeOf(target), tried: kind, outcome, value, error: error ?? 'lost', why }, nowMs));
    },
    onFailed(error: string, target: SqlTarget, said: string) {
      const why = whyAndRemedy('connect', error, said, target.user);
      tell(outage.failed({ ...attempt(target), tried: 'connect', error, why }, outside.clock.now()));
    },
    sawRole(role: Role | 'stopped', target: SqlTarget) {
      if (kind !== 'write' || role !== 'standby') return;
      const failure = { ...attempt(target), tried: 'standby', error: 'standby', why: null } as const;
      tell(outage.failed(failure, outside.clock.now()));
    },
  };
  const client: Client =
    kind === 'write'
      ? makeWriter(outside, targets, {
          ...options,
          key: flags.key ?? `writer-${process.pid}-${Date.now()}`,
          ...(flags.key === undefined ? {} : { keyInUse: () => usedKey(flags.key, 'public.matriarch_traffic') }),
        })
      : makeReader(outside, targets, { ...options, key: flags.key ?? null });
  const telling = flags.json === true ? setInterval(tellStatus(client), 100) : null;
  const underWay = (): string | null => {
    const target = client.underWay();
    return target === null ? null : placeOf(target);
  };
  const looking = setInterval(() => tell(outage.look(outside.clock.now(), underWay())), lookEveryMs);
  const interactive = chatty && process.stdout.isTTY === true;
  await untilEnded(client, interactive);
  if (telling !== null) clearInterval(telling);
  clearInterval(looking);
  await stop(client, interactive ? patienceMs : null);
  const nowMs = outside.clock.now();
  tell(outage.end(nowMs, underWay()));
  const status = finalStatus(client.status(), Math.round(nowMs - begunMs), client.underWay() !== null);
  process.stdout.write(flags.json === true ? jsonLine(status) : `${statusLine(status)}\n`);
  process.exit(status.acknowledged === 0 ? 1 : 0);
}

/** Its values would begin at 1 again: whoever judged them would take them for doubled. */
const usedKey = (key: string | undefined, where: string): never =>
  wrong(`the key ${key} is in use already, in ${where}: take a new one (without --key one is made)`);

const placeOf = ({ host, port }: SqlTarget): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
const attempt = (target: SqlTarget) => ({ at: placeOf(target), outcome: 'failed', value: null }) as const;

/** Who asked twice at a terminal waits no longer than an answer takes that comes at all. */
const patienceMs = 250;

/** Lets the statement under way end; the next signal gives it up. Its attempt is in the history: nobody takes it for failed. */
async function stop(client: Client, limitMs: number | null): Promise<void> {
  const toldMs = 1000;
  const telling = setTimeout(
    () => process.stderr.write('waiting for the answer to the statement under way (Ctrl-C again ends at once)\n'),
    toldMs,
  );
  const patience = limitMs === null ? [] : [trafficClock.sleep(limitMs)];
  await Promise.race([client.stop(), untilSignal(), ...patience]);
  clearTimeout(telling);
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

/**
 * At a terminal the first Ctrl-C only connects anew, which shows round robin at work; a second ends: within 2 s, or as long as
 * the new connection is not there.
 */
function untilEnded(client: Client, interactive: boolean): Promise<void> {
  if (!interactive) return untilSignal();
  return new Promise((resolve) => {
    let last = { atMs: Number.NEGATIVE_INFINITY, connections: -1 };
    const interrupted = (): void => {
      const { connections } = client.status();
      const atMs = trafficClock.now();
      if (atMs - last.atMs < 2000 || connections === last.connections) {
        end();
        return;
      }
      last = { atMs, connections };
      process.stdout.write('connecting anew (Ctrl-C again ends)\n');
      client.reconnect();
    };
    const end = (): void => {
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', interrupted);
    process.on('SIGTERM', end);
  });
}

const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });

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
