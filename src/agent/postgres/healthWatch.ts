import { hindranceOf, silenceOf, waitsForDisk } from '../../codec/postgres/hindrance.ts';
import { endsCommits, type Health, type Hindrance } from '../../model/health.ts';
import type { LocalPostgres } from '../../model/postgres.ts';
import { type InstantMs, type Lsn, later } from '../../model/units.ts';
import type { Cancel } from '../../model/world.ts';
import type { PostgresParts } from './parts.ts';
import { ownTarget } from './sessions.ts';
import { inRecovery, trialName, tryCommit } from './statements.ts';

/** Whether the server that a look showed does its work: what a look cannot tell, a fresh connection tries, beside the loop. */
export interface HealthWatch {
  /** With each look: judges what it showed, and sends a trial when nothing else shows that WAL reaches the disk. */
  look(seen: LocalPostgres): Health | null;
  close(): void;
}

const connectLimitMs = 3_000;
/** A trial that has no end by then is looked at: what does it wait for? */
const lateMs = 3_000;
/** One that is out is not asked again, so that a disk that hangs for hours costs one backend each ten minutes. */
const trialLimitMs = 600_000;
/** Less than the smallest thing that PostgreSQL adds to a file. */
const fullBelowBytes = 65_536;
/** How long replay may stand still before it is told: conflicts with queries hold it up for half of that by themselves. */
const replayPatienceMs = 60_000;

interface Found {
  readonly kind: Hindrance;
  readonly sinceMs: InstantMs;
  readonly why: string;
}
interface Trial {
  readonly sentMs: InstantMs;
  readonly late: Cancel;
}
type Server = Extract<LocalPostgres, { readonly kind: 'running' | 'unresponsive' }>;

export function makeHealthWatch(
  { world, settings, places }: Pick<PostgresParts, 'world' | 'settings' | 'places'>,
  wake: (reason: string) => void,
): HealthWatch {
  const { clock, processes, sql, files } = world;
  /** Everything below is of this server, in this role. */
  let of: string | null = null;
  let sinceMs: InstantMs = clock.now();
  let provenMs: InstantMs | null = null;
  let position: Lsn | null = null;
  let movedMs: InstantMs | null = null;
  let frozenSinceMs: InstantMs | null = null;
  let trial: Trial | null = null;
  let lastTrialMs: InstantMs | null = null;
  /** What the last trial that came to an end found. */
  let found: Found | null = null;
  let full: Found | null = null;
  let asksForRoom = false;
  let lastRoomMs: InstantMs | null = null;

  function begin(server: string | null): void {
    of = server;
    sinceMs = clock.now();
    [provenMs, position, movedMs, frozenSinceMs, lastTrialMs, found] = [null, null, null, null, null, null];
    trial?.late();
    trial = null;
  }

  function proven(): void {
    provenMs = clock.now();
    found = null;
  }

  /** Causes may change while nothing can be committed: that lasts as long as all of them. */
  function note(kind: Hindrance, why: string, sinceMs: InstantMs): void {
    const lasts = found !== null && (found.kind === kind || (endsCommits(found.kind) && endsCommits(kind)));
    found = { kind, why, sinceMs: lasts && found !== null ? found.sinceMs : sinceMs };
  }

  async function send(primary: boolean): Promise<void> {
    const sentMs = clock.now();
    const server = of;
    const before = found?.kind ?? null;
    const mine: Trial = { sentMs, late: clock.at(later(sentMs, lateMs), () => wake('health')) };
    trial = mine;
    lastTrialMs = sentMs;
    const outcome = await tryIt(primary);
    mine.late();
    if (trial !== mine || of !== server) return; // another server, or another role
    trial = null;
    if (outcome === null) proven();
    else note(outcome.kind, outcome.why, sentMs);
    if ((found?.kind ?? null) !== before) wake('health');
  }

  /** Null: it went well. */
  async function tryIt(primary: boolean): Promise<Pick<Found, 'kind' | 'why'> | null> {
    const target = ownTarget(settings(), trialName);
    const own = { ...target, options: `${target.options ?? ''} -c lc_messages=C` };
    const connected = await sql.connect(own, connectLimitMs);
    if (connected.kind === 'unreachable') return { kind: silenceOf(connected.why), why: connected.why };
    if (connected.kind === 'rejected')
      return { kind: hindranceOf(connected.sqlState, connected.message), why: connected.message };
    const { session } = connected;
    try {
      const result = await session.query(primary ? tryCommit : inRecovery, trialLimitMs);
      if (result.kind === 'rows') return null;
      return result.kind === 'lost'
        ? { kind: 'no answer', why: result.why }
        : { kind: hindranceOf(result.sqlState, result.message), why: result.message };
    } finally {
      session.close();
    }
  }

  /**
   * WAL that has its files already is flushed on a full disk, too, while everything that grows fails: a commit does not tell.
   * One question at a time, since a disk that hangs answers none.
   */
  async function lookForRoom(): Promise<void> {
    if (asksForRoom) return;
    asksForRoom = true;
    const { dataDir } = places();
    const sentMs = clock.now();
    const before = full === null;
    const freeBytes = await files.freeBytes(dataDir);
    asksForRoom = false;
    const isFull = freeBytes !== null && freeBytes < fullBelowBytes;
    full = isFull
      ? { kind: 'disk full', why: `${freeBytes} bytes free at ${dataDir}`, sinceMs: full?.sinceMs ?? sentMs }
      : null;
    if (before !== (full === null)) wake('health');
  }

  /** A trial that is late, and what the look shows it waiting for. */
  function underWay(seen: Server, { sentMs }: Trial, nowMs: InstantMs): void {
    if (nowMs - sentMs < lateMs) return;
    const waitsFor = seen.kind === 'running' && seen.role === 'primary' ? (seen.trialWaitsFor ?? null) : null;
    const fromMs = movedMs === null ? sentMs : later(sentMs, Math.max(0, movedMs - sentMs));
    if (waitsForDisk(waitsFor)) note('fsync stalled', `a commit waits for ${waitsFor}, and no WAL is flushed`, fromMs);
    else note('slow', `a trial has had no end for ${Math.round(nowMs - sentMs)} ms`, fromMs);
  }

  /** What is wrong now, the surest first. */
  function judge(seen: Server, nowMs: InstantMs): Found | null {
    if (frozenSinceMs !== null)
      return { kind: 'postmaster frozen', sinceMs: frozenSinceMs, why: `process ${seen.pid} is stopped by a signal` };
    if (seen.kind === 'unresponsive')
      return { kind: seen.disk === true ? 'disk hung' : 'no answer', sinceMs: seen.sinceMs, why: seen.why };
    if (found !== null && endsCommits(found.kind)) return found;
    if (full !== null) return { ...full, sinceMs: later(full.sinceMs, Math.max(0, sinceMs - full.sinceMs)) };
    return found ?? replayStands(seen, nowMs);
  }

  function replayStands(seen: Server, nowMs: InstantMs): Found | null {
    if (seen.kind !== 'running' || seen.role !== 'standby' || seen.replayPaused || movedMs === null) return null;
    const delayed =
      settings().postgres.recovery.recovery_min_apply_delay ?? settings().postgres.parameters.recovery_min_apply_delay;
    if (delayed !== undefined || seen.receivedLsn <= seen.replayedLsn || nowMs - movedMs < replayPatienceMs)
      return null;
    return {
      kind: 'replay stands still',
      sinceMs: movedMs,
      why: `${seen.receivedLsn - seen.replayedLsn} bytes are here and not replayed`,
    };
  }

  /** Where the WAL of a primary is flushed to, and that of a standby replayed. Moving, it needs no trial. */
  function follow(seen: Server, nowMs: InstantMs): boolean {
    if (seen.kind !== 'running') return false;
    const now = seen.role === 'primary' ? seen.flushLsn : seen.replayedLsn;
    const caughtUp = seen.role === 'standby' && seen.receivedLsn <= seen.replayedLsn;
    const moved = position !== null && now > position;
    if (moved || caughtUp || position === null) movedMs = nowMs;
    position = now;
    if (moved && seen.role === 'primary') proven();
    return moved;
  }

  return {
    look(seen) {
      if (seen.kind !== 'running' && seen.kind !== 'unresponsive') {
        begin(null);
        return null;
      }
      const role = seen.kind === 'running' ? seen.role : seen.believed;
      const server = `${seen.pid} ${role}`;
      if (of !== server) begin(server);
      const nowMs = clock.now();
      const frozen = processes.describe(seen.pid)?.state === 'stopped';
      frozenSinceMs = frozen ? (frozenSinceMs ?? nowMs) : null;
      const moved = follow(seen, nowMs);
      if (trial !== null) underWay(seen, trial, nowMs);
      const everyMs = settings().cluster.loopWaitMs * 0.9;
      const isDue = (lastMs: InstantMs | null): boolean => lastMs === null || nowMs - lastMs >= everyMs;
      if (!moved && !frozen && seen.kind === 'running' && trial === null && isDue(lastTrialMs))
        void send(role === 'primary');
      if (isDue(lastRoomMs)) {
        lastRoomMs = nowMs;
        void lookForRoom();
      }
      return { provenMs, hindrance: judge(seen, nowMs) };
    },
    close: () => begin(null),
  };
}
