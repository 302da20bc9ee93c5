import { splitCommand } from '../../../codec/command.ts';
import { writeConninfo } from '../../../codec/postgres/conninfo.ts';
import type { Upstream } from '../../../model/postgres.ts';
import type { ReplicaMethod } from '../../../model/settings.ts';
import { forTool } from '../configure.ts';
import { cancelled, failed, type JobContext, type JobResult, type PostgresParts, succeeded } from '../parts.ts';
import { findPostmaster, orphansOf } from '../postmaster.ts';
import { endStrays, workplace } from './strays.ts';

const limitMs = 7 * 24 * 3_600_000;
const syncLimitMs = 3_600_000;
/** Of what it says so many lines are told; its last words are in its error, however much came before. */
const linesMax = 200;

export type CommandMethod = Extract<ReplicaMethod, { kind: 'command' }>;

/** An operator's own way to make a copy, called as Patroni calls it. That it ended well is judged by what it left. */
export async function replicaCommand(
  parts: PostgresParts,
  context: JobContext,
  method: CommandMethod,
  from: Upstream | null,
): Promise<JobResult> {
  const { processes } = parts.world;
  const key = `postgresql.${method.name}.command`;
  const [program = '', ...words] = splitCommand(method.command);
  const args = [
    ...words,
    ...method.options.map(([name, value]) => `--${name}=${value}`),
    ...(await own(parts, method, from)),
  ];
  parts.step('clone', `${method.name}${from === null ? '' : ` from ${from.member}`}`, [
    ['program', program],
    ...(from === null
      ? []
      : ([
          ['host', from.host],
          ['port', from.port],
        ] as const)),
  ]);
  let lines = 0;
  const onLine = (line: string): void => {
    const text = line.trim();
    if (text === '') return;
    context.progress(text.slice(-120));
    lines += 1;
    if (lines <= linesMax) parts.note('info', `${method.name}: ${text.slice(0, 300)}`);
    if (lines === linesMax) parts.note('info', `${method.name}: what else it says is not told any more`);
  };
  // What such tools need, keys and folders of theirs, is in the environment that the agent was started with.
  const command = {
    program,
    args,
    env: secretsFor(parts),
    inherit: true,
    cwd: await workplace(parts),
    onLine,
  } as const;
  const finished = await processes.run(command, limitMs, context.signal);
  const stray = await endStrays(parts);
  if (stray !== null) return failed(stray);
  switch (finished.kind) {
    case 'cancelled':
      return context.signal.aborted ? cancelled : failed(`${method.name}: not through after a week: ended`);
    case 'failed':
      return failed(`${key}: ${program} could not be started: ${finished.why}`);
    case 'killed':
      return failed(`${method.name} was ended by ${finished.signal}${lastWords(finished.stderr)}`);
    case 'exited': {
      if (finished.code === 0) return succeeded;
      const said = finished.stderr.trim() === '' ? finished.stdout : finished.stderr;
      return failed(`${method.name} ended with exit code ${finished.code}${lastWords(said)}`);
    }
    default:
      return finished satisfies never;
  }
}

const lastWords = (text: string): string => {
  const said = text
    .trim()
    .slice(-400)
    .replace(/\s*\n\s*/g, ' | ');
  return said === '' ? ', without a word on stderr' : `: ${said}`;
};

/** Where libpq finds what is secret. A service file of the operator's own is left to the tool, unless ours is needed. */
function secretsFor(parts: PostgresParts): Readonly<Record<string, string>> {
  const { pgpass, serviceFile } = parts.places();
  const isNeeded = parts.settings().local.postgres.replication.ssl.sslpassword !== undefined;
  return { PGPASSFILE: pgpass, ...(isNeeded ? { PGSERVICEFILE: serviceFile } : {}) };
}

/** No password is among them. */
async function own(
  parts: PostgresParts,
  { noParams }: CommandMethod,
  from: Upstream | null,
): Promise<readonly string[]> {
  if (noParams) return [];
  const { scope, postgres } = parts.settings().local;
  const { replication, database } = postgres;
  const connstring =
    from === null
      ? ''
      : writeConninfo([
          ['dbname', database],
          ...(await forTool(parts, [['user', replication.username], ...Object.entries(replication.ssl)])),
          ['host', from.host],
          ['port', String(from.port)],
        ]);
  return [`--scope=${scope}`, '--role=replica', `--datadir=${parts.places().dataDir}`, `--connstring=${connstring}`];
}

/** What an operator's tool left, taken for nothing but what it shows itself to be. Null: a copy of this cluster; else why not. */
export async function whyIsNoCopy(parts: PostgresParts, name: string, systemId: string | null): Promise<string | null> {
  const { files } = parts.world;
  const { dataDir } = parts.places();
  const left = `${name} ended with exit code 0, and`;
  const remedy = 'see to what it does with --datadir';
  if ((await files.stat(`${dataDir}/PG_VERSION`)).kind !== 'file')
    return `${left} ${dataDir} is no data directory: there is no PG_VERSION; ${remedy}`;
  const control = await parts.readControl();
  if (typeof control === 'string') return `${left} ${dataDir} is no data directory: ${control}; ${remedy}`;
  if (systemId !== null && control.systemId !== systemId)
    return `${left} ${dataDir} is of another cluster: its system identifier is ${control.systemId}, and this cluster's is ${systemId}; see to where it copies from`;
  return null;
}

/** PostgreSQL does not start in a directory that others may read: 700 or 750 it is to be, whatever a script makes of it. */
export async function closeToOthers(parts: PostgresParts): Promise<void> {
  const { files, processes } = parts.world;
  const { dataDir } = parts.places();
  const root = await files.stat(dataDir);
  if (root.kind !== 'directory' || (root.mode & 0o027) === 0) return;
  const finished = await processes.run({ program: 'chmod', args: ['700', dataDir], inherit: true }, 5_000);
  const done = finished.kind === 'exited' && finished.code === 0;
  const was = (root.mode & 0o777).toString(8);
  parts.note(
    'warning',
    `${dataDir} had the mode ${was}, with which PostgreSQL does not start: ${done ? '700 now' : 'make it 700'}`,
  );
}

/** A server that the tool started is none that anybody stops: nothing is touched below it. */
export const runsHere = async (parts: PostgresParts): Promise<boolean> =>
  (await findPostmaster(parts.world, parts.places())) !== null || orphansOf(parts.world, parts.places()).length > 0;

/** What a script has copied may be in memory yet: half of it would be left by a power cut, and nothing that tells so. */
export async function flush(
  parts: PostgresParts,
  { signal }: Pick<JobContext, 'signal'>,
  claimed: readonly string[],
): Promise<void> {
  const { dataDir } = parts.places();
  const command = { program: 'sync', args: ['--file-system', dataDir, ...claimed], inherit: true } as const;
  const finished = await parts.world.processes.run(command, syncLimitMs, signal);
  if (finished.kind !== 'exited' || finished.code !== 0)
    parts.note('warning', `${dataDir} could not be flushed to the disk: a power cut may take some of the copy`, [
      ['sync', finished.kind === 'exited' ? finished.stderr.trim().slice(-200) : finished.kind],
    ]);
}
