import { readMistakes } from '../../codec/postgres/mistakes.ts';
import type { ControlData } from '../../model/postgres.ts';
import { configure, parametersFor, type Role, setStandbySignal } from './configure.ts';
import { hbaFailure, hbaIsTaken, takeHbaBack } from './hba.ts';
import { unmarkWhole } from './marker.ts';
import { cancelled, failed, type JobContext, type JobResult, type PostgresParts, succeeded, toolEnv } from './parts.ts';
import { findPostmaster, orphansOf } from './postmaster.ts';
import { clearStaleLocks } from './staleLocks.ts';

export interface LaunchOptions {
  readonly role: Role;
  readonly control: ControlData | null;
  readonly limitMs: number;
  /** Of a cluster that is being made. */
  readonly isFirst?: boolean;
  /** Asked once more right before the postmaster is started; null: go on. */
  readonly mayStart: () => Promise<string | null>;
}

/** Polling is quick while a start usually ends, then easy on the machine. */
const paceMs = (waitedMs: number): number => (waitedMs < 2_000 ? 10 : 100);
/** A standby that waits for WAL may take for ever to accept connections: it is up, and the rules look after it. */
const standbyPatienceMs = 15_000;

/** How often a start is tried again without the parameters that the server named as wrong. It names most of them at once. */
const correctionsMost = 5;

/** Writes the configuration for a role, starts the postmaster behind its sentinel, and waits until it accepts connections. */
export async function launch(parts: PostgresParts, context: JobContext, options: LaunchOptions): Promise<JobResult> {
  const { files } = parts.world;
  const { log } = parts.places();
  const leftOut: string[] = [];
  for (let corrections = 0; ; corrections += 1) {
    const before = await files.stat(log);
    const result = await launchOnce(parts, context, options);
    if (result.ended === 'done') hbaIsTaken(parts);
    if (result.ended !== 'failed') return result;
    const read = await files.read(log, before.kind === 'file' ? before.sizeBytes : 0);
    const said = read.kind === 'text' ? read.text : '';
    const names = parts.rejected.reject(readMistakes(said));
    leftOut.push(...names);
    if (names.length > 0 && corrections < correctionsMost) continue;
    const wrong = hbaFailure(said);
    // What initdb leaves there lets everybody in from this machine: that is nothing to go back to.
    if (wrong !== null && options.isFirst !== true && (await takeHbaBack(parts, wrong))) continue;
    parts.rejected.restore(leftOut); // something else is wrong
    return result;
  }
}

async function launchOnce(parts: PostgresParts, context: JobContext, options: LaunchOptions): Promise<JobResult> {
  const { world } = parts;
  const places = parts.places();
  if ((await findPostmaster(world, places)) !== null) return failed('a postmaster runs on the data directory already');
  await clearOrphans(parts);
  await clearStaleLocks(parts);
  await configure(parts, options.role, options.control);
  await setStandbySignal(parts, options.role.role === 'standby');
  await unmarkWhole(parts);
  if (context.signal.aborted) return cancelled;
  const refusal = await options.mayStart();
  if (refusal !== null) return failed(`not started: ${refusal}`);

  const { commandLine } = parametersFor(parts.settings(), options.role, options.control);
  const server = [
    places.program('postgres'),
    '-D',
    places.dataDir,
    `--config-file=${places.conf}`,
    ...commandLine.map(([name, value]) => `--${name}=${value}`),
  ];
  const [program = '', ...args] =
    parts.sentinel === null
      ? server
      : [
          parts.sentinel.program,
          parts.sentinel.script,
          places.stateDir,
          places.dataDir,
          String(parts.sentinelGraceMs()),
          '--',
          ...server,
        ];
  const env = toolEnv(places);
  const started = await world.processes.launch(
    { program, args, env: { LANG: 'C.UTF-8', PATH: env.PATH ?? '' }, cwd: '/' },
    places.log,
  );
  if (started.kind === 'failed') return failed(`postgres could not be started: ${started.why}`);
  return untilReady(parts, context, options, started.pid);
}

async function untilReady(
  parts: PostgresParts,
  context: JobContext,
  options: LaunchOptions,
  launcher: Parameters<PostgresParts['world']['processes']['describe']>[0],
): Promise<JobResult> {
  const { clock, processes } = parts.world;
  const beganMs = clock.now();
  for (;;) {
    const waitedMs = clock.now() - beganMs;
    const postmaster = await findPostmaster(parts.world, parts.places());
    const status = postmaster?.file.status;
    if (status === 'ready' || status === 'standby') return succeeded;
    const alive = processes.describe(launcher);
    if (postmaster === null && (alive === null || alive.state === 'dead'))
      return failed(`postgres ended while starting: ${await lastWords(parts)}`);
    if (context.signal.aborted) return cancelled;
    if (options.role.role === 'standby' && waitedMs > standbyPatienceMs && postmaster !== null) return succeeded;
    if (waitedMs > options.limitMs)
      return failed(
        `postgres did not accept connections within ${Math.round(options.limitMs / 1000)} s: ${await lastWords(parts)}`,
      );
    if (waitedMs > 1_000) context.progress(`starting for ${Math.round(waitedMs / 1000)} s`);
    await clock.sleep(paceMs(waitedMs), context.signal);
  }
}

/** What a dead postmaster left behind holds its shared memory: nothing starts before it is gone. */
export async function clearOrphans(parts: PostgresParts): Promise<void> {
  const { world } = parts;
  for (let tries = 0; tries < 100; tries += 1) {
    const orphans = orphansOf(world, parts.places());
    if (orphans.length === 0) return;
    for (const orphan of orphans) world.processes.signal(orphan, 'KILL');
    await world.clock.sleep(10);
  }
  throw new Error(`processes of a dead postmaster do not end: ${orphansOf(world, parts.places()).join(', ')}`);
}

/** The last lines of the server's log: why it did not start is said there. */
async function lastWords(parts: PostgresParts): Promise<string> {
  const log = await parts.world.files.read(parts.places().log);
  if (log.kind !== 'text') return 'its log is not there';
  return log.text.trim().split('\n').slice(-4).join(' | ').slice(-600);
}
