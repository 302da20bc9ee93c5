import { randomBytes } from 'node:crypto';
import { accessSync, chownSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { makeAgent } from '../src/agent/agent.ts';
import { type Listening, startApi } from '../src/api/server.ts';
import { otherNode } from '../src/codec/config/identity.ts';
import { mergeConfigTexts, readLocalConfig } from '../src/codec/config/local.ts';
import { ruleTexts } from '../src/decide/rules.ts';
import type { LocalSettings } from '../src/model/settings.ts';
import { dropTo } from '../src/world/drop.ts';
import { makeEtcdTransport } from '../src/world/etcd/transport.ts';
import { httpOptionsOf } from '../src/world/httpOptions.ts';
import { makeWatchdog } from '../src/world/watchdog.ts';
import { makeWorld } from '../src/world/world.ts';
import { livePageAt } from './livePage.ts';
import { outliveOutput } from './output.ts';
import { makeTell } from './tell.ts';
import { version } from './version.ts';

/** `matriarch agent CONFIG.yml`: the agent of one database node. */
export function agentCommand(program: Command): void {
  program
    .command('agent')
    .description('run this node: PostgreSQL, its lease, failover and repair')
    .argument('<config>', "Patroni's YAML: a file, or a directory of *.yml")
    .action(async (path: string) => {
      process.exitCode = await runAgent(path);
    });
}

async function runAgent(path: string): Promise<number> {
  outliveOutput();
  const environment = { ...process.env } as Record<string, string>;
  // What came in by PATRONI_* must not reach PostgreSQL's children, where SQL users could read it.
  for (const name of Object.keys(process.env)) if (name.startsWith('PATRONI_')) delete process.env[name];
  const first = readConfig(path, environment);
  if (typeof first === 'string') return fail(first);
  for (const warning of first.warnings) process.stderr.write(`warning: ${warning}\n`);
  const { local } = first;
  const dropped = leaveRoot(local);
  if (dropped !== null) return fail(dropped);
  const places = preparePlaces(local);
  if (places !== null) return fail(places);

  let inForce = local;
  let api: Listening | null = null;
  const world = makeWorld({ etcd: makeEtcdTransport({ tls: local.etcd.tls }), http: () => httpOptionsOf(inForce) });
  const lock = await world.files.lock(join(local.stateDir, 'agent.lock'));
  if (lock.kind !== 'locked') {
    const why = lock.kind === 'held' ? 'another agent runs on it' : lock.why;
    return fail(
      `data directory ${local.postgres.dataDir}: ${why} (lock ${join(local.stateDir, 'agent.lock')}). Stop that agent first`,
    );
  }
  const here = dirname(fileURLToPath(import.meta.url));
  const cachePath = join(local.postgres.dataDir, 'patroni.dynamic.json');
  const watchdog =
    local.watchdog.mode === 'off' || local.watchdog.guard === 'off' ? null : makeWatchdog(local.watchdog.device);
  const configPath = resolve(path);
  const restart = process.env.MATRIARCH_SUPERVISED === undefined && process.env.INVOCATION_ID === undefined;
  const agent = makeAgent(world, {
    local,
    version,
    instance: randomBytes(12).toString('hex'),
    cachedDynamicText: existsSync(cachePath) ? readFileSync(cachePath, 'utf8') : null,
    async readLocal() {
      const again = readConfig(path, environment);
      if (typeof again === 'string') return again;
      const other = otherNode(local, again.local);
      if (other !== null) return other;
      inForce = again.local;
      const later = api?.kind === 'ok' ? api.adopt(inForce) : [];
      for (const warning of [...again.warnings, ...later]) process.stderr.write(`warning: ${warning}\n`);
      return inForce;
    },
    guardian: {
      program: process.execPath,
      args: [
        join(here, 'guardian.js'),
        '--data-dir',
        local.postgres.dataDir,
        '--state-dir',
        local.stateDir,
        '--agent-pid',
        String(process.pid),
        '--agent-version',
        version,
        ...(local.postgres.binDir === null ? [] : ['--bin-dir', local.postgres.binDir]),
        ...(restart
          ? [
              '--restart-agent',
              JSON.stringify([process.execPath, ...process.execArgv, process.argv[1] ?? '', 'agent', configPath]),
            ]
          : []),
      ],
      env: cleanEnvironment(),
    },
    sentinel: { program: '/bin/sh', script: join(here, 'sentinel.sh') },
    watchdog,
    tell: makeTell(local.log),
  });
  process.on(
    'SIGHUP',
    () => void agent.handles.mailbox.ask({ kind: 'reload' }, { acceptedIsEnough: true, limitMs: 60_000 }),
  );
  const stop = (): void =>
    void agent.handles.mailbox.ask({ kind: 'stop' }, { acceptedIsEnough: false, limitMs: 86_400_000 });
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // A bug in one corner must not take the loop with it; the lease's guards stand behind it in any case.
  process.on('uncaughtException', (error) => process.stderr.write(`uncaught: ${error.stack ?? error.message}\n`));
  process.on('unhandledRejection', (error) =>
    process.stderr.write(`unhandled: ${error instanceof Error ? error.stack : String(error)}\n`),
  );

  api = await startApi(agent.handles, local, { livePage: () => livePageAt(here), rules: ruleTexts });
  if (api.kind === 'failed') return fail(api.why);
  const { code, message } = await agent.run();
  await api.close();
  lock.release();
  if (code !== 0) process.stderr.write(`matriarch agent: ${message}\n`);
  process.exit(code);
}

function readConfig(
  path: string,
  environment: Readonly<Record<string, string>>,
): { local: LocalSettings; warnings: readonly string[] } | string {
  let text: string;
  try {
    text = statSync(path).isDirectory()
      ? mergeConfigTexts(
          readdirSync(path)
            .filter((name) => /\.ya?ml$/.test(name))
            .sort()
            .map((name) => ({ name: join(path, name), text: readFileSync(join(path, name), 'utf8') })),
        )
      : readFileSync(path, 'utf8');
  } catch (error) {
    return `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
  const read = readLocalConfig(text, path, environment);
  return read.kind === 'ok' ? read : read.problems.join('\n');
}

/** PostgreSQL refuses to run as root, and nothing here needs it: root becomes the owner of the data directory, or ends. */
function leaveRoot(local: LocalSettings): string | null {
  if (process.getuid?.() !== 0) return null;
  let place = local.postgres.dataDir;
  while (!existsSync(place)) place = dirname(place);
  const { uid, gid } = statSync(place);
  if (uid === 0) {
    return `PostgreSQL refuses to run as root, and ${place} belongs to root: chown it to the user that shall run PostgreSQL (say, postgres), or start the agent as that user`;
  }
  if (!existsSync(local.stateDir)) {
    mkdirSync(local.stateDir, { recursive: true, mode: 0o700 });
    chownSync(local.stateDir, uid, gid);
  }
  dropTo(uid, gid);
  return null;
}

function preparePlaces(local: LocalSettings): string | null {
  try {
    mkdirSync(local.stateDir, { recursive: true, mode: 0o700 });
    accessSync(local.stateDir, constants.W_OK);
  } catch (error) {
    return `the state directory ${local.stateDir} cannot be used: ${error instanceof Error ? error.message : String(error)}. Create it for this user, or set matriarch.state_dir`;
  }
  const binDir = local.postgres.binDir;
  const missing = ['postgres', 'initdb', 'pg_controldata', 'pg_basebackup'].filter(
    (name) => binDir !== null && !existsSync(join(binDir, local.postgres.binNames[name] ?? name)),
  );
  if (missing.length > 0)
    return `postgresql.bin_dir ${binDir} does not contain ${missing.join(', ')}: install PostgreSQL, or correct bin_dir`;
  return null;
}

function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(PATRONI_|KUBERNETES_|NOTIFY_SOCKET$)/.test(name)) kept[name] = value;
  }
  return kept;
}

function fail(message: string): number {
  process.stderr.write(`matriarch agent: ${message}\n`);
  return 1;
}
