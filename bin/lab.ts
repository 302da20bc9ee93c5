import { spawn } from 'node:child_process';
import { Command, InvalidArgumentError, Option } from 'commander';
import { asJson, yamlText } from '../src/ctl/text.ts';
import { ruleTexts } from '../src/decide/rules.ts';
import { askLab, isSignal, type Request } from '../src/lab/control.ts';
import { runGate } from '../src/lab/gate.ts';
import type { User } from '../src/lab/ground.ts';
import { keepInBackground, keepInForeground } from '../src/lab/keep.ts';
import type { LabOptions } from '../src/lab/lab.ts';
import type { MachineDeed } from '../src/lab/machineDeeds.ts';
import { findLabs } from '../src/lab/place.ts';
import { portBaseMost } from '../src/lab/plan.ts';
import { findRunning, startDetached, takeDown } from '../src/lab/remote.ts';
import { isService, type Service, services } from '../src/lab/services.ts';
import { showStatus } from '../src/lab/show.ts';
import { benchCommand } from './labBench.ts';
import { runCommand } from './labRun.ts';

interface UpFlags {
  readonly detach?: boolean;
  readonly background?: boolean;
  readonly nodes: number;
  readonly portBase?: number;
  readonly agentCmd?: string;
  readonly ttl?: number;
  readonly sync?: 'on' | 'quorum';
  /** False: --no-failsafe. */
  readonly failsafe: boolean;
  readonly diskMb: number;
  readonly dir?: string;
  readonly traffic: boolean;
  readonly loopback?: boolean;
  readonly fakeClocks?: boolean;
}

/** `matriarch lab …`: machines made of namespaces, with real etcd, PostgreSQL and HAProxy, and real faults. */
export function labCommands(program: Command): void {
  const lab = program
    .command('lab')
    .description('a cluster of machines inside this one, to try things on: power, cables, killed processes')
    .enablePositionalOptions();
  lab.command('gate', { hidden: true }).action(runGate);
  upCommand(lab);
  faultCommands(lab);
  benchCommand(lab);
  runCommand(lab);

  withDir(lab.command('down').description('end it: nothing of it is left behind'))
    .option('--even-a-run', 'also a lab that "lab run", a bench or a test keeps, though --dir does not name it')
    .action(({ dir, evenARun }: { dir?: string; evenARun?: true }) =>
      trying(async () => {
        const ended = await takeDown({ dir, evenARun: evenARun === true }, say);
        say(ended.length === 0 ? 'no lab is running' : `${ended.join(', ')} is gone`);
      }),
    );
  withDir(lab.command('status').description('members, machines and what the client sees'))
    .addOption(
      new Option('--format <format>', 'how it is printed').choices(['pretty', 'json', 'yaml']).default('pretty'),
    )
    .action(({ dir, format }: { dir?: string; format: StatusFormat }) =>
      trying(async () => {
        const status = await askLab(findRunning(dir).dir, { kind: 'status' }, 5000);
        process.stdout.write(statusText(status, format));
      }),
    );
  withDir(lab.command('page').description('the address of the live page, with the key that its buttons need')).action(
    ({ dir }: { dir?: string }) =>
      trying(async () => {
        const url = await askLab(findRunning(dir).dir, { kind: 'page' }, 5000);
        if (typeof url !== 'string') throw new Error('this lab has no live page');
        process.stdout.write(`${url}\n`);
      }),
  );
  withDir(lab.command('exec').description('run a command on a machine (node1…, client)'))
    .argument('<node>')
    .argument('<command...>')
    .addOption(new Option('--user <user>', 'whose rights it has').choices(['root', 'postgres']).default('root'))
    .passThroughOptions()
    .action((node: string, argv: string[], { dir, user }: { dir?: string; user: User }) =>
      trying(async () => {
        const inside = await askLab(findRunning(dir).dir, {
          kind: 'inside',
          node,
          argv: argv[0] === '--' ? argv.slice(1) : argv,
          user,
        });
        if (Array.isArray(inside)) process.exitCode = await runHere(inside.map(String));
      }),
    );
  withDir(lab.command('log').description("a service's log"))
    .argument('<node>')
    .argument('[service]', 'agent, postgres, etcd; on the client haproxy, writer, reader', 'agent')
    .option('-f, --follow', 'go on as it grows')
    .option('-n, --lines <lines>', 'the last lines', '200')
    .action((node: string, service: string, flags: { dir?: string; follow?: boolean; lines: string }) =>
      trying(async () => {
        const path = await askLab(findRunning(flags.dir).dir, { kind: 'logPath', node, service });
        process.exitCode = await runHere(['tail', '-n', flags.lines, ...(flags.follow ? ['-F'] : []), String(path)]);
      }),
    );
}

function upCommand(lab: Command): void {
  lab
    .command('up')
    .description('make one and keep it until Ctrl-C')
    .option('--detach', 'keep it in the background; come back when it is healthy')
    .option('--background', 'used by --detach')
    .option('--nodes <count>', 'database machines', whole, 3)
    .option(
      '--port-base <port>',
      'writes here, reads on the next port, statistics 2000 and the live page 2001 above (default: 5000)',
      portBase,
    )
    .option('--agent-cmd <command>', "any Patroni-compatible agent, for instance 'patroni {config}'")
    .option('--ttl <seconds>', 'of the leader lease; loop_wait and retry_timeout follow (default: 30)', whole)
    .addOption(new Option('--sync <mode>', 'synchronous replication').choices(['on', 'quorum']))
    .option('--no-failsafe', 'without failsafe mode: a primary that loses etcd stops')
    .option('--disk-mb <size>', "size of each machine's disk", whole, 1024)
    .option('--dir <folder>', 'default: a new /var/tmp/matriarch-lab-<number>')
    .option('--no-traffic', 'without the writer and the reader on the client')
    .option('--fake-clocks', 'the wall clocks of agents and PostgreSQL can be set, by libfaketime')
    .option('--loopback', 'loopback addresses instead of machines, as without root')
    .action((flags: UpFlags) =>
      trying(async () => {
        const running = findLabs().find((found) => found.running);
        if (running !== undefined && flags.dir === undefined && flags.portBase === undefined)
          throw new Error(
            `a lab is running already in ${running.dir}: end it with "matriarch lab down --dir ${running.dir}", or move a second one with --port-base`,
          );
        // The raw words again: --detach is what this command adds.
        if (flags.detach)
          process.exitCode = await startDetached(
            argsAfterUp().filter((arg) => arg !== '--detach'),
            say,
          );
        else process.exit(await (flags.background ? keepInBackground : keepInForeground)(labOptions(flags), ruleTexts));
      }),
    );
}

function labOptions(flags: UpFlags): LabOptions {
  return {
    nodes: flags.nodes,
    diskMb: flags.diskMb,
    traffic: flags.traffic,
    ...(flags.portBase === undefined ? {} : { portBase: flags.portBase }),
    ...(flags.agentCmd === undefined ? {} : { agentCommand: flags.agentCmd }),
    ...(flags.ttl === undefined ? {} : { ttlS: flags.ttl }),
    extraConfig: () => inMode(flags),
    ...(flags.dir === undefined ? {} : { dir: flags.dir }),
    fakeClocks: flags.fakeClocks === true,
    ...(flags.loopback ? { ground: 'loopback' as const } : {}),
  };
}

/** Empty where nothing is asked for: scenarios are played here only where the configuration is theirs. */
function inMode({ sync, failsafe }: UpFlags): Readonly<Record<string, unknown>> {
  const dcs = {
    ...(sync === undefined ? {} : { synchronous_mode: sync === 'on' ? true : sync }),
    ...(failsafe ? {} : { failsafe_mode: false }),
  };
  return Object.keys(dcs).length === 0 ? {} : { bootstrap: { dcs } };
}

const machineVerbs: readonly (readonly [verb: string, kind: MachineDeed, description: string])[] = [
  ['cut', 'cut', 'pull the network cable'],
  ['deafen', 'deafen', 'what is sent to it is lost on the way: its cable works in one direction only'],
  ['mute', 'mute', 'what it sends is lost on the way'],
  ['heal', 'heal', 'plug the cable in again, and both directions work'],
  ['saturate', 'saturate', 'keep every core busy from this machine, with sysbench'],
  ['relieve', 'relieve', 'leave the cores alone again'],
  ['fill-disk', 'fillDisk', 'PostgreSQL and etcd get no more room'],
  ['free-disk', 'freeDisk', 'give the room back'],
  ['slow-disk', 'slowDisk', 'each flush of etcd takes 100 ms longer'],
  ['hasten-disk', 'hastenDisk', 'etcd flushes as quickly as before'],
  ['stall-flushes', 'stallFlushes', 'no flush of PostgreSQL comes to an end, as on a disk that hangs'],
  ['flush-again', 'flushAgain', 'flushes come to an end again'],
  ['use-up-connections', 'useUpConnections', 'nobody gets a connection to PostgreSQL any more'],
  ['give-back-connections', 'giveBackConnections', 'the sessions that used them up end'],
];

function faultCommands(lab: Command): void {
  const fault = (command: Command, request: (node: string, ...rest: string[]) => Request): Command =>
    withDir(command).action((...args: unknown[]) => {
      const words = args.filter((arg) => typeof arg === 'string');
      const [node = '', ...rest] = words;
      const dir = command.opts<{ dir?: string }>().dir;
      return trying(async () => void (await askLab(findRunning(dir).dir, request(node, ...rest))));
    });
  for (const [verb, kind, description] of machineVerbs)
    fault(lab.command(verb).description(description).argument('<node>'), (node) => ({ kind, node }));
  const power = lab
    .command('power')
    .description('the power of a machine: everything on it dies at once, its disk stays');
  fault(power.command('off').argument('<node>'), (node) => ({ kind: 'powerOff', node }));
  fault(power.command('on').argument('<node>'), (node) => ({ kind: 'powerOn', node }));
  fault(
    lab
      .command('clock')
      .description(
        'set the wall clock of agent and PostgreSQL wrong by so many seconds, in a lab made with --fake-clocks; 0 sets it right',
      )
      .argument('<node>')
      .argument('<seconds>'),
    (node, seconds = '') => {
      if (!/^[+-]?\d{1,8}$/.test(seconds)) throw new Error(`whole seconds are wanted, not ${seconds}`);
      return { kind: 'setClock', node, byMs: Number(seconds) * 1_000 };
    },
  );
  fault(
    lab
      .command('start')
      .description('start a service again')
      .argument('<node>')
      .argument('<service>', 'postgres, agent, etcd', service),
    (node, name = '') => ({ kind: 'start', node, service: service(name) }),
  );
  const kill = lab
    .command('kill')
    .description('signal a service: KILL it, or freeze (STOP) and thaw (CONT) it')
    .argument('<node>')
    .argument('<service>', 'postgres, agent, guardian, etcd', service)
    .option('--signal <signal>', 'KILL, STOP, CONT, TERM, INT, QUIT, HUP', 'KILL')
    .option('--restart-after <seconds>', 'start it again then', seconds);
  fault(kill, (node, name = '') => {
    const { signal, restartAfter } = kill.opts<{ signal: string; restartAfter?: number }>();
    const wanted = signal.toUpperCase().replace(/^SIG/, '');
    if (!isSignal(wanted)) throw new Error(`no such signal here: ${signal}`);
    return { kind: 'kill', node, service: service(name), signal: wanted, restartAfterS: restartAfter ?? null };
  });
}

const withDir = (command: Command): Command => command.option('--dir <folder>', 'which lab, if several run');

function service(text: string): Service {
  if (isService(text)) return text;
  throw new InvalidArgumentError(`there are ${services.join(', ')}`);
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0');
  return value;
}

function portBase(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > portBaseMost)
    throw new InvalidArgumentError(`a port from 1 to ${portBaseMost}: the lab takes others, up to 2001 above it`);
  return value;
}

function seconds(text: string): number {
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('seconds are wanted, as 5 or 0.5');
  return Number(text);
}

type StatusFormat = 'pretty' | 'json' | 'yaml';

/** Of YAML the keys are in their order, as `list --format yaml` has them. */
export function statusText(status: unknown, format: StatusFormat): string {
  if (format === 'json') return `${JSON.stringify(status, null, 2)}\n`;
  return format === 'yaml' ? yamlText(asJson(status)) : showStatus(status);
}

function argsAfterUp(): readonly string[] {
  return process.argv.slice(process.argv.indexOf('up') + 1);
}

function runHere([program = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((settle) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    for (const name of ['SIGINT', 'SIGQUIT'] as const) process.on(name, () => {}); // the terminal sends it to the child too
    child.once('error', (error) => {
      say(error.message);
      settle(127);
    });
    child.once('exit', (code) => settle(code ?? 1));
  });
}

async function trying(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

function say(line: string): void {
  process.stderr.write(`lab: ${line}\n`);
}

// Run by itself: the lab without a build, for its own tests.
if (process.argv[1]?.endsWith('bin/lab.ts')) {
  const program = new Command('matriarch').enablePositionalOptions();
  labCommands(program);
  await program.parseAsync(['lab', ...process.argv.slice(2)], { from: 'user' });
}
