import { writeTold } from '../../codec/guard.ts';
import type { ControlData, LocalPostgres, RunningStandby, Sender } from '../../model/postgres.ts';
import { type InstantMs, type Lsn, type Timeline, timeline } from '../../model/units.ts';
import type { Cancel, ProcessInfo, SqlSession } from '../../model/world.ts';
import type { ControlReader } from './control.ts';
import type { PatientDisk } from './disk.ts';
import { lookAtMark, readMark } from './marker.ts';
import type { PostgresParts } from './parts.ts';
import { findPostmaster, orphansAtLarge, orphansOf, type Postmaster } from './postmaster.ts';
import { readProbe } from './probe.ts';
import { ownTarget, runOnce } from './sessions.ts';
import { identifySystem, probe } from './statements.ts';
import { makeStreamWatch } from './streamWatch.ts';

/** A look is over within about a second, whatever hangs. */
const patienceMs = 700;

export interface Looker {
  look(): Promise<LocalPostgres>;
  /** Whatever was cached of the server that ran is void. */
  forget(): void;
  /** It is about to be told to become the primary. */
  tell(postmaster: Identity): void;
  /** Its end, from now on, is ours. */
  expectStop(): void;
  close(): void;
}

type Identity = Pick<ProcessInfo, 'pid' | 'startTicks'>;

interface Known extends Identity {
  readonly control: ControlData;
  readonly sinceMs: InstantMs;
  readonly cancelWatch: Cancel;
}

/** Commits hang when it ends, until somebody else is named. */
const isWaitedFor = ({ syncState }: Sender): boolean => syncState === 'sync' || syncState === 'quorum';

/** Sees this node's PostgreSQL from outside (files, processes) and inside (one kept session), and is woken when it dies. */
export function makeLooker(
  parts: PostgresParts,
  disk: PatientDisk,
  controlFile: ControlReader,
  deps: { readonly wake: (reason: string) => void; readonly homelessSinceMs: () => InstantMs | null },
): Looker {
  const { wake } = deps;
  const { world } = parts;
  let known: Known | null = null;
  let session: SqlSession | null = null;
  /** Those that somebody waits for. */
  const streams = makeStreamWatch(world.processes, () => wake('streamEnded'));
  let believed: 'primary' | 'standby' | null = null;
  /** Who was told to become the primary, by this agent or one before it: whatever was last seen of it is out of date. */
  let told: Identity | null = null;
  let seenTimeline: Timeline | null = null;
  /** The position at which this standby was asked for its timeline last. */
  let askedAt: Lsn | null = null;
  let expected = true;
  /** At the last look a postmaster was there. */
  let ran = false;
  let troubleSinceMs: InstantMs | null = null;

  function troubleSince(nowMs: InstantMs): InstantMs {
    troubleSinceMs ??= nowMs;
    return troubleSinceMs;
  }
  const wasTold = ({ pid, startTicks }: Identity): boolean => told?.pid === pid && told.startTicks === startTicks;
  function closeSession(): void {
    session?.close();
    session = null;
  }
  function forget(): void {
    closeSession();
    streams.set([]);
    known?.cancelWatch();
    known = null;
  }

  /** The postmaster as met: its control data once, and a watch on its end. */
  async function meet(postmaster: Postmaster): Promise<Known | string> {
    const { pid, startTicks } = postmaster.info;
    if (known !== null && known.pid === pid && known.startTicks === startTicks) return known;
    forget();
    const control = await controlFile.read();
    if (typeof control === 'string') return control;
    expected = false;
    seenTimeline = null;
    askedAt = null;
    const note = await world.files.read(parts.places().told);
    if (note.kind === 'text' && note.text === writeTold(postmaster.info)) told = { pid, startTicks };
    known = {
      pid,
      startTicks,
      control,
      sinceMs: world.clock.now(),
      cancelWatch: world.processes.watchExit(pid, startTicks, () => {
        closeSession();
        wake('postmasterExited');
      }),
    };
    return known;
  }

  async function connect(): Promise<
    | { kind: 'session'; session: SqlSession }
    | { kind: 'no'; state: 'starting' | 'stopping' | 'unresponsive'; why: string }
  > {
    if (session !== null) return { kind: 'session', session };
    const connected = await world.sql.connect(ownTarget(parts.settings(), 'Patroni heartbeat'), patienceMs);
    if (connected.kind === 'connected') {
      const mine = connected.session;
      session = mine;
      mine.onEnd(() => {
        if (session !== mine) return;
        session = null;
        wake('sessionEnded');
      });
      return { kind: 'session', session: mine };
    }
    if (connected.kind === 'unreachable') return { kind: 'no', state: 'unresponsive', why: connected.why };
    const state =
      connected.sqlState !== '57P03'
        ? 'unresponsive'
        : /shutting down/.test(connected.message)
          ? 'stopping'
          : 'starting';
    return { kind: 'no', state, why: connected.message };
  }

  async function lookInside(postmaster: Postmaster): Promise<LocalPostgres> {
    const met = await meet(postmaster);
    const { pid } = postmaster.info;
    const nowMs = world.clock.now();
    const signal = await standbySignal();
    // In doubt it is a primary: that errs on the side of stopping it in time.
    const role = wasTold(postmaster.info) ? 'primary' : (believed ?? (signal ? 'standby' : 'primary'));
    if (typeof met === 'string')
      return { kind: 'unresponsive', pid, sinceMs: nowMs, believed: role, why: met, control: null };
    const { status } = postmaster.file;
    const homelessMs = deps.homelessSinceMs();
    if (homelessMs !== null) return { kind: 'stopping', pid, sinceMs: homelessMs, believed: role, homeless: true };
    if (status === 'stopping') return { kind: 'stopping', pid, sinceMs: troubleSince(nowMs), believed: role };
    if (status === 'starting' && believed === null)
      return { kind: 'starting', pid, sinceMs: met.sinceMs, standbySignal: signal, control: met.control };
    const connected = await connect();
    if (connected.kind === 'no') {
      const sinceMs = troubleSince(nowMs);
      if (connected.state === 'starting')
        return { kind: 'starting', pid, sinceMs: met.sinceMs, standbySignal: signal, control: met.control };
      if (connected.state === 'stopping') return { kind: 'stopping', pid, sinceMs, believed: role };
      // The port opens a moment after the pid file appears.
      if (nowMs - met.sinceMs < 1_000 && believed === null)
        return { kind: 'starting', pid, sinceMs: met.sinceMs, standbySignal: signal, control: met.control };
      return { kind: 'unresponsive', pid, sinceMs, believed: role, why: connected.why, control: met.control };
    }
    const answer = await connected.session.query(probe, patienceMs);
    const row = answer.kind === 'rows' ? answer.rows[0] : undefined;
    if (answer.kind !== 'rows' || row === undefined) {
      closeSession();
      const why =
        answer.kind === 'rows' ? 'the probe gave no row' : answer.kind === 'error' ? answer.message : answer.why;
      return {
        kind: 'unresponsive',
        pid,
        sinceMs: troubleSince(nowMs),
        believed: role,
        why,
        control: met.control,
      };
    }
    troubleSinceMs = null;
    const wanted = parts.settings().postgres.parameters;
    let seen = readProbe(row, pid, met.control, seenTimeline, wanted);
    believed = seen.role;
    streams.set(
      seen.role === 'standby' ? [seen.receiver?.pid ?? null] : seen.senders.filter(isWaitedFor).map(({ pid }) => pid),
    );
    if (seen.role === 'standby') {
      await askTimeline(seen);
      seen = readProbe(row, pid, met.control, seenTimeline, wanted);
    }
    const pendingRestart = Object.fromEntries(
      Object.entries(seen.pendingRestart).map(([name, { oldValue }]) => [
        name,
        { oldValue, newValue: wanted[name] ?? '' },
      ]),
    );
    const marked = await readMark(parts);
    const isOf = marked?.dataDir === null || marked?.dataDir === parts.places().dataDir;
    const more = { pendingRestart, ...(marked !== undefined && isOf ? { left: marked.left } : {}) };
    // What another life of this agent wrote may be told to the server yet.
    if (seen.role === 'standby')
      return {
        ...seen,
        ...more,
        detached: seen.detached === true && parts.written.upstream === null,
        ...(wasTold(postmaster.info) ? { toldToPromote: true } : {}),
      };
    const wal = `${parts.places().dataDir}/pg_wal`;
    const walFreeBytes = (await disk.within(() => disk.files.freeBytes(wal), patienceMs)) ?? null;
    const synchronous = { ...seen.synchronous, written: parts.written.synchronousNames };
    return { ...seen, ...more, walFreeBytes, synchronous };
  }

  /**
   * Without a stream nothing but a walsender tells which timeline a standby is on: its control file may be as old as its last
   * restart point, and whoever took that for the truth would find it left behind, and none fit to lead.
   */
  async function askTimeline({ receiver: stream, receivedLsn }: RunningStandby): Promise<void> {
    let newest: number = stream?.timeline ?? 0;
    if (stream === null && askedAt !== receivedLsn) {
      const own = { ...ownTarget(parts.settings(), 'Patroni heartbeat'), replication: true };
      const identity = await runOnce(world.sql, own, [identifySystem], patienceMs);
      if (identity.kind === 'rows') {
        askedAt = receivedLsn;
        newest = Number(identity.rows[0]?.timeline ?? 0);
      }
    }
    seenTimeline = timeline(Math.max(seenTimeline ?? 0, newest));
  }

  async function standbySignal(): Promise<boolean> {
    const places = parts.places();
    const stats = await Promise.all([world.files.stat(places.standbySignal), world.files.stat(places.recoverySignal)]);
    return stats.some(({ kind }) => kind === 'file');
  }

  /** Nothing runs: what do the files say? */
  async function lookAtFiles(): Promise<LocalPostgres> {
    const places = parts.places();
    const file = await world.files.stat(places.control);
    const marked = await lookAtMark(parts, file.kind === 'file');
    if (marked !== null) return marked;
    if (file.kind !== 'file') {
      const listing = await world.files.list(places.dataDir);
      if (listing.kind === 'absent') return { kind: 'noData' };
      if (listing.kind === 'unreadable') return { kind: 'unreadable', why: `${places.dataDir}: ${listing.why}` };
      const there = listing.names.filter((name) => name !== 'lost+found' && !name.startsWith('.'));
      return there.length === 0
        ? { kind: 'noData' }
        : {
            kind: 'unreadable',
            why: `${places.dataDir} holds files (${there.slice(0, 3).join(', ')}) but no global/pg_control`,
          };
    }
    const control = await controlFile.read();
    if (typeof control === 'string') return { kind: 'unreadable', why: control };
    const label = await world.files.stat(places.backupLabel);
    return {
      kind: 'stopped',
      control,
      standbySignal: await standbySignal(),
      backupLabel: label.kind === 'file',
      orphans: orphansOf(world, places),
      crashed: !expected,
    };
  }

  /** The disk hangs: what the process table says, and what was known before. Nobody is taken for stopped in doubt. */
  function lookWithoutDisk(hungMs: InstantMs): LocalPostgres {
    const why = `the disk does not answer for ${Math.round(world.clock.now() - hungMs)} ms`;
    const info = known === null ? null : world.processes.describe(known.pid);
    const lives =
      info !== null && info.state !== 'dead' && info.doomed !== true && info.startTicks === known?.startTicks;
    const pid = lives ? info.pid : orphansAtLarge(world, parts.places())[0];
    if (pid === undefined) return { kind: 'unreadable', why };
    const control = lives ? (known?.control ?? null) : null;
    const role = known !== null && wasTold(known) ? 'primary' : (believed ?? 'primary');
    return { kind: 'unresponsive', pid, sinceMs: hungMs, believed: role, why, disk: true, control };
  }

  async function lookWithDisk(): Promise<LocalPostgres> {
    const postmaster = await findPostmaster(world, parts.places());
    if (disk.hungSinceMs() !== null) return { kind: 'unreadable', why: 'the disk does not answer' }; // no proof that none runs
    if (postmaster !== null) {
      ran = true;
      return lookInside(postmaster);
    }
    if (ran) controlFile.forget();
    ran = false;
    forget();
    believed = null;
    troubleSinceMs = null;
    return lookAtFiles();
  }

  return {
    async look() {
      const seen = await lookWithDisk();
      const hungMs = disk.hungSinceMs();
      return hungMs === null ? seen : lookWithoutDisk(hungMs);
    },
    forget,
    tell({ pid, startTicks }) {
      told = { pid, startTicks };
    },
    expectStop() {
      expected = true;
    },
    close: forget,
  };
}
