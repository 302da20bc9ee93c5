import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runGuardian } from '../src/guardian/guardian.ts';
import { pid } from '../src/model/units.ts';
import type { Command } from '../src/model/world.ts';
import { makeClock } from '../src/world/clock.ts';
import { makeFiles } from '../src/world/files.ts';
import { makeInPlace } from '../src/world/inPlace.ts';
import { schedFifo } from '../src/world/libc.ts';
import { makeProcesses } from '../src/world/processes.ts';
import { makeSockets } from '../src/world/sockets.ts';

/**
 * The guardian process. It imports little, so that it stays small: no driver, no logger, no server.
 *
 *   guardian --data-dir D --state-dir S [--bin-dir B] [--agent-pid N] [--agent-version V] [--restart-agent JSON]
 *
 * `--restart-agent`: the command line as a list, or `{"program":…,"args":[…],"env":{…},"cwd":…}`.
 */
const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    'state-dir': { type: 'string' },
    'bin-dir': { type: 'string' },
    'agent-pid': { type: 'string' },
    'agent-version': { type: 'string' },
    'restart-agent': { type: 'string' },
  },
});
const dataDir = values['data-dir'];
const stateDir = values['state-dir'];
if (dataDir === undefined || stateDir === undefined) {
  console.error('guardian: --data-dir and --state-dir are needed');
  process.exit(64);
}

/** The last to be killed when memory is short, and the first to run when the machine is busy: where that is allowed. */
const oomPath = '/proc/self/oom_score_adj';
const oomBefore = readFileSync(oomPath, 'utf8').trim();
try {
  writeFileSync(oomPath, '-900');
} catch {
  // only root may
}
schedFifo(1);

const guardian = await runGuardian(
  { clock: makeClock(), files: makeFiles(), processes: makeProcesses(), sockets: makeSockets() },
  {
    dataDir,
    stateDir,
    version: values['agent-version'] ?? 'unknown',
    controldataProgram: programIn(values['bin-dir'], 'pg_controldata'),
    agentPid: values['agent-pid'] === undefined ? null : pid(Number(values['agent-pid'])),
    agentRestart: values['restart-agent'] === undefined ? null : commandOf(values['restart-agent']),
    note: (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`),
    keep: makeInPlace(),
  },
);
if (guardian.kind === 'refused') {
  console.error(`guardian: ${guardian.why}`);
  process.exit(75);
}
// Only the deadline counts here. A terminal that closes, or a service manager that stops everything, ends it only when
// there is nothing to guard.
process.on('SIGHUP', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => guardian.endUnlessArmed('SIGTERM'));
process.on('uncaughtException', (error) => console.error(error));
process.on('unhandledRejection', (error) => console.error(error));
process.stdout.on('error', () => undefined);
await guardian.ended;
process.exit(0);

/** Without a folder it is looked for in PATH, once: what is run later inherits no environment. */
function programIn(binDir: string | undefined, name: string): string {
  const folders = binDir === undefined ? (process.env.PATH ?? '').split(delimiter) : [binDir];
  const paths = folders.map((folder) => join(folder, name));
  return paths.find((path) => existsSync(path)) ?? name;
}

/** A command line alone: in our environment, which the agent gave us. */
function plainCommand([program = '', ...args]: readonly string[]): Command {
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  return { program, args, env };
}

/** The agent must not inherit what spares this process when memory is short: PostgreSQL would inherit it from there. */
function commandOf(json: string): Command {
  const given: Command | readonly string[] = JSON.parse(json);
  const { program, args, env, cwd } = 'program' in given ? given : plainCommand(given);
  const script = `echo ${oomBefore} >${oomPath} 2>/dev/null; exec "$@"`;
  return {
    program: '/bin/sh',
    args: ['-c', script, 'sh', program, ...args],
    env: env ?? {},
    ...(cwd === undefined ? {} : { cwd }),
  };
}
