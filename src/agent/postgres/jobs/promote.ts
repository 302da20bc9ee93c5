import { splitCommand } from '../../../codec/command.ts';
import { writeTold } from '../../../codec/guard.ts';
import type { Job } from '../../../model/job.ts';
import type { ControlData } from '../../../model/postgres.ts';
import type { ProcessInfo, SqlSession } from '../../../model/world.ts';
import { configure, must } from '../configure.ts';
import {
  aborted,
  cancelled,
  failed,
  type JobContext,
  type JobResult,
  type PostgresParts,
  succeeded,
  toolEnv,
} from '../parts.ts';
import { findPostmaster } from '../postmaster.ts';
import { takesInSignals } from '../probe.ts';
import { reload } from '../reload.ts';
import { ownTarget } from '../sessions.ts';
import { inRecovery, synchrony } from '../statements.ts';
import { keepOffTaken, removeStandIns } from './taken.ts';

const hookLimitMs = 600_000;
const tellAgainMs = 150;
const connectAgainMs = 200;
/** How long a connection is waited for before the control file is asked instead. */
const byControlAfterMs = 300;

/**
 * A promotion that was signalled can not be taken back: it may come to its end after the right to lead has. Whatever goes
 * wrong from there on, the server is stopped before anybody hears of the failure. When it is cancelled that happens at once,
 * whatever it waits for, be it a disk that hangs; what has not been signalled by then never is.
 */
export async function promote(
  parts: PostgresParts,
  context: JobContext,
  job: Extract<Job, { kind: 'promote' }>,
): Promise<JobResult> {
  let signalled = false;
  const attempted = attempt(parts, context, job, () => {
    signalled = true;
  }).catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)));
  const result = (await Promise.race([attempted, aborted(context)])) ?? cancelled;
  if (result.ended !== 'done' && signalled) await parts.strike();
  const cleared = attempted.then(() => removeStandIns(parts));
  parts.outlives(cleared.catch(() => {}));
  if (!context.signal.aborted) await cleared;
  return result.ended === 'failed' && !signalled ? { ...result, untold: true } : result;
}

interface Watcher {
  /** Null: no connection, so far. */
  session(): SqlSession | null;
  end(): void;
}

/** Connects to this server, again and again until it is let in: nobody waits for that, and all slots may be taken. */
function watchBy({ world, settings }: PostgresParts, { signal }: JobContext): Watcher {
  let session: SqlSession | null = null;
  let over = false;
  async function connect(): Promise<void> {
    while (!over && session === null) {
      const connected = await world.sql.connect(ownTarget(settings(), 'Patroni heartbeat'), 2_000);
      if (connected.kind === 'connected' && over) connected.session.close();
      else if (connected.kind === 'connected') session = connected.session;
      else await world.clock.sleep(connectAgainMs);
    }
  }
  function end(): void {
    over = true;
    session?.close();
  }
  signal.addEventListener('abort', end, { once: true });
  void connect();
  return { session: () => session, end };
}

/** Out of recovery? Asked of the server, or, where that lets nobody in, of its control file. A text: it is gone. */
async function isOut(parts: PostgresParts, session: SqlSession | null): Promise<boolean | string> {
  if (session === null) {
    const control = await parts.readControl();
    return typeof control !== 'string' && control.state === 'in production';
  }
  const answer = await session.query(inRecovery, 2_000);
  if (answer.kind === 'lost') return `the server stopped answering while it was promoted: ${answer.why}`;
  return answer.kind === 'rows' && answer.rows[0]?.in_recovery === 'f';
}

function isStillThere({ world }: PostgresParts, { pid, startTicks }: ProcessInfo): boolean {
  const found = world.processes.describe(pid);
  return found !== null && found.state !== 'dead' && found.startTicks === startTicks;
}

/** Null: the cluster knows which timeline this server is about to begin; else why not. */
async function announce(
  parts: PostgresParts,
  context: JobContext,
  { mine, taken, premise }: Extract<Job, { kind: 'promote' }>,
): Promise<string | null> {
  try {
    const next = await keepOffTaken(parts, mine, taken);
    const why = await context.announceTimeline(next, premise);
    return why === null ? null : `timeline ${next} could not be announced: ${why}`;
  } catch (error) {
    return `the taken timelines could not be marked: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Long for a server at rest; one that syncs many files right now takes in nothing. Mostly nobody else could lead meanwhile. */
const namesLimitMs = 20_000;
/** A checkpoint that is behind its schedule may go on without having taken anything in. */
const pacedMs = 500;
const namesAgainMs = 10;

/**
 * In synchronous mode: whom commits wait for is in force before there can be one. Null: it is; else why not. What the server
 * shows is not enough: as long as its checkpointer does not know, commits wait for nobody.
 */
async function waitForNames(
  parts: PostgresParts,
  { signal }: JobContext,
  { synchronousNames = '', upstream = null }: Extract<Job, { kind: 'promote' }>,
  watcher: Watcher,
  { pid }: ProcessInfo,
): Promise<string | null> {
  if (parts.settings().cluster.synchronousMode === 'off') return null;
  const { clock } = parts.world;
  const beganMs = clock.now();
  await reload(parts, pid, { role: 'standby', upstream, synchronousNames }, await controlOf(parts), true);
  let known = '';
  while (!signal.aborted && clock.now() - beganMs < namesLimitMs) {
    const answer = await watcher.session()?.query(synchrony, 1_000);
    const row = answer?.kind === 'rows' ? answer.rows[0] : undefined;
    const paced = row?.checkpointer === 'CheckpointerMain' || clock.now() - beganMs > pacedMs;
    if (row?.names === synchronousNames && paced && takesInSignals(row.checkpointer ?? null)) return null;
    known = row === undefined ? 'no connection' : `names "${row.names}", checkpointer ${row.checkpointer}`;
    await clock.sleep(namesAgainMs, signal);
  }
  return `commits would not wait for "${synchronousNames}" within ${namesLimitMs} ms (${known})`;
}

/** With it a standby's files keep the larger settings that it may need. */
async function controlOf(parts: PostgresParts): Promise<ControlData | null> {
  const control = await parts.readControl();
  return typeof control === 'string' ? null : control;
}

/** pre_promote, the new timeline announced, the premise once more, the signal, and then the end of recovery, seen by asking often. */
async function attempt(
  parts: PostgresParts,
  context: JobContext,
  job: Extract<Job, { kind: 'promote' }>,
  signalled: () => void,
): Promise<JobResult> {
  const { world } = parts;
  const places = parts.places();
  const settings = parts.settings();
  if (settings.postgres.prePromote !== null) {
    const [program = '', ...args] = splitCommand(settings.postgres.prePromote);
    const finished = await world.processes.run({ program, args, env: toolEnv(places) }, hookLimitMs, context.signal);
    if (finished.kind !== 'exited' || finished.code !== 0)
      return failed(
        `pre_promote said no: ${finished.kind === 'exited' ? `exit code ${finished.code}` : finished.kind}`,
      );
  }
  const postmaster = await findPostmaster(world, places);
  if (postmaster === null) return failed('PostgreSQL does not run');
  const watcher = watchBy(parts, context);
  try {
    const unannounced = await announce(parts, context, job);
    if (unannounced !== null) return failed(`not promoted: ${unannounced}`);
    const unprotected = await waitForNames(parts, context, job, watcher, postmaster.info);
    if (unprotected !== null) return failed(`not promoted: ${unprotected}`);
    const refusal = await context.premise(job.premise);
    if (refusal !== null) return failed(`not promoted: ${refusal}`);
    if (context.signal.aborted) return cancelled;
    // Told before it is: the guardian must not take what is about to leave recovery for a standby.
    await must(world.files.forget(places.told));
    await must(world.files.append(places.told, writeTold(postmaster.info), 0o600));
    if (context.signal.aborted) return cancelled;
    parts.tell(postmaster.info);
    signalled();
    // As pg_ctl makes it: a sign, which need not survive anything.
    await must(world.files.append(places.promoteFile, '', 0o600));
    // The disk may have taken its time, and the lease run out meanwhile.
    const late = await context.premise(job.premise);
    if (context.signal.aborted || late !== null) {
      // It would be heard by whatever server runs here then.
      await must(world.files.forget(places.promoteFile));
      return context.signal.aborted ? cancelled : failed(`not promoted: ${late}`);
    }
    if (!world.processes.signal(postmaster.info.pid, 'USR1')) return failed('the postmaster is gone');
    parts.step('promote', 'promotion signalled', []);
    const beganMs = world.clock.now();
    let toldMs = beganMs;
    for (;;) {
      const session = watcher.session();
      const waitedMs = world.clock.now() - beganMs;
      if (session !== null || waitedMs > byControlAfterMs) {
        const out = await isOut(parts, session);
        if (context.signal.aborted) return cancelled; // nobody waits for it any more: nothing more is done
        if (typeof out === 'string') return failed(out);
        if (out) break;
      }
      if (context.signal.aborted) return cancelled;
      // Its control file alone would tell of nothing else than recovery, for ever.
      if (session === null && !isStillThere(parts, postmaster.info))
        return failed('the postmaster ended while it was promoted');
      // One promotion in forty took five seconds, wal_retrieve_retry_interval, when told once: recovery had just gone to sleep.
      // While the promote file lies there, it has not been heard.
      if (world.clock.now() - toldMs > tellAgainMs) {
        toldMs = world.clock.now();
        world.processes.signal(postmaster.info.pid, 'USR1');
      }
      if (waitedMs > 1_000) context.progress(`promoting for ${Math.round(waitedMs / 1_000)} s`);
      // The control file is no thing to be asked 250 times a second.
      const quickMs = session === null ? byControlAfterMs : 2_000;
      await world.clock.sleep(waitedMs < quickMs ? 4 : 100, context.signal);
    }
    parts.step('promote', 'out of recovery', [['tookMs', Math.round(world.clock.now() - beganMs)]]);
  } finally {
    watcher.end();
  }
  // The file that a later start will read must be a primary's; nothing in it needs a reload now.
  await configure(parts, { role: 'primary', synchronousNames: job.synchronousNames ?? '' }, null);
  return succeeded;
}
