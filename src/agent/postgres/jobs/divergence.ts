import { readHistoryFile } from '../../../codec/postgres/historyFile.ts';
import { endOfShutdownCheckpoint } from '../../../codec/postgres/waldump.ts';
import type { Divergence, Job } from '../../../model/job.ts';
import type { ControlData, LocalPostgres, Upstream } from '../../../model/postgres.ts';
import { type Lsn, lsnOf, lsnText, type Timeline, timeline } from '../../../model/units.ts';
import { type PostgresParts, toolEnv } from '../parts.ts';
import { ownTarget, peerTarget, runOnce, whyNot } from '../sessions.ts';
import { identifySystem, timelineHistory, walFrom } from '../statements.ts';
import { withCommits } from './commitsBeyond.ts';
import { hindranceOf, isRefusal, streamsFrom } from './hindrance.ts';
import { historyText, isOfOneOrigin, ownHistory } from './lineage.ts';
import { endOfLeader } from './rolledBack.ts';
import { whyNoPrimary } from './source.ts';
import { astrayHere, bridge } from './taken.ts';

const limitMs = 3_000;
type Diverged = Extract<Divergence, { kind: 'diverged' }>;
const unknown = (why: string): Divergence => ({ kind: 'unknown', why });

interface Mine {
  readonly timeline: Timeline;
  readonly lsn: Lsn;
  /** It was in recovery: a position exactly at the fork is on both histories. */
  readonly recovering: boolean;
  readonly runs?: true;
}

/** Is my history a part of the leader's, and can I still be told the rest of it? */
export async function divergenceFrom(
  parts: PostgresParts,
  job: Extract<Job, { kind: 'checkDivergence' }>,
  local: LocalPostgres,
): Promise<Divergence> {
  const verdict = await compare(parts, job, local);
  if (verdict.kind === 'diverged') return withCommits(parts, verdict);
  if (verdict.kind !== 'none' || local.kind !== 'running' || local.role !== 'standby') return verdict;
  if (verdict.astray !== undefined) return verdict;
  const walGone = await goneAtLeader(parts, job.from, local.receivedLsn);
  if (walGone !== null) return { ...verdict, walGone };
  const hindrance = await hindranceOf(parts, job.from, local);
  return hindrance === null ? verdict : { ...verdict, hindrance };
}

/** The segment that comes next for me, where the leader has it no longer, and no archive could give it. Null: it is there, or not known. */
async function goneAtLeader(parts: PostgresParts, from: Upstream, received: Lsn): Promise<string | null> {
  const settings = parts.settings();
  if (settings.postgres.recovery.restore_command !== undefined) return null;
  const target = peerTarget(settings, from.host, from.port, settings.local.postgres.superuser, false);
  const asked = await runOnce(parts.world.sql, target, [walFrom(lsnText(lsnOf(received + 1n)))], limitMs);
  const row = asked.kind === 'rows' ? asked.rows[0] : undefined;
  return row?.there === 'f' ? (row.segment ?? 'a segment') : null;
}

/** Decided by comparison alone: what is missing gives no verdict. */
async function compare(
  parts: PostgresParts,
  job: Extract<Job, { kind: 'checkDivergence' }>,
  local: LocalPostgres,
): Promise<Divergence> {
  const mine = await whereIAm(parts, local);
  if (typeof mine === 'string') return unknown(mine);
  const settings = parts.settings();
  const { sql } = parts.world;
  const { host, port } = job.from;
  const { replication } = settings.local.postgres;
  const mySystem = local.kind === 'stopped' || local.kind === 'running' ? local.control.systemId : null;
  const noPrimary = await whyNoPrimary(parts, job.from, mySystem);
  if (noPrimary !== null) return unknown(noPrimary);
  const walsender = peerTarget(settings, host, port, replication, true);
  const identity = await runOnce(sql, walsender, [identifySystem], limitMs);
  if (identity.kind !== 'rows') {
    const why = `${job.from.member}: ${whyNot(identity)}`;
    return isRefusal(identity) ? { kind: 'unknown', why, refused: true } : unknown(why);
  }
  const theirs = timeline(Number(identity.rows[0]?.timeline ?? 0));
  if (theirs === 0) return unknown(`${job.from.member} does not tell its timeline`);
  const diverged = (fork: Lsn): Diverged => ({
    kind: 'diverged',
    forkTimeline: mine.timeline,
    forkLsn: fork,
    myLsn: mine.lsn,
  });
  const strange: Divergence = { ...diverged(mine.lsn), forkUnknown: true };
  if (mine.timeline > theirs) return strange;
  const told = theirs === 1 ? null : await runOnce(sql, walsender, [timelineHistory(theirs)], limitMs);
  const history = told?.kind === 'rows' ? historyText(told.rows[0]?.content ?? '') : '';
  const lines = readHistoryFile(history);
  if (lines.length > 0 && !isOfOneOrigin(await ownHistory(parts, mine.timeline), { earlier: lines })) return strange;
  if (mine.timeline === theirs)
    return (await aheadOf(parts, job.from, mine)) ?? withoutAstray(parts, job.from, local, mine, []);
  if (told !== null && told.kind !== 'rows') return unknown(`${job.from.member}: ${whyNot(told)}`);
  const line = lines.find((one) => one.timeline === mine.timeline);
  if (line === undefined) return strange; // a timeline the leader never was on
  if (mine.recovering && mine.lsn > line.end) return diverged(line.end);
  const astray = await withoutAstray(parts, job.from, local, mine, [...lines.map((one) => one.timeline), theirs]);
  if (astray.astray !== undefined) return astray;
  // It does not stream, or nobody would ask. The next one the leader has for certain.
  if (local.kind === 'running' && theirs > mine.timeline + 1) await bridge(parts, mine.timeline, theirs, history);
  if (mine.recovering) return { kind: 'none' };
  return judgeCleanEnd(parts, mine, line.end, diverged);
}

/** What a server that runs has replayed is surely of this timeline; what a control file tells of one that is down may be a little more. */
async function aheadOf(
  parts: PostgresParts,
  from: Upstream,
  { timeline: on, lsn, runs }: Mine,
): Promise<Divergence | null> {
  if (!runs) return null;
  const end = await endOfLeader(parts, from, on);
  return end !== null && lsn > end ? { kind: 'ahead', myLsn: lsn, leaderLsn: end } : null;
}

/** `theirs`: the timelines that the leader was on. Another upstream may have been on more, and would tell of them again. */
async function withoutAstray(
  parts: PostgresParts,
  from: Upstream,
  local: LocalPostgres,
  mine: Mine,
  theirs: readonly Timeline[],
): Promise<Extract<Divergence, { kind: 'none' }>> {
  const isFromLeader = local.kind === 'running' && local.role === 'standby' && streamsFrom(local, from);
  const astray = isFromLeader ? await astrayHere(parts, mine.timeline, theirs) : [];
  return astray.length === 0 ? { kind: 'none' } : { kind: 'none', astray };
}

/** A cleanly stopped primary: its last record is the shutdown checkpoint. It may end exactly where the new timeline begins. */
async function judgeCleanEnd(
  parts: PostgresParts,
  mine: Mine,
  fork: Lsn,
  diverged: (fork: Lsn) => Divergence,
): Promise<Divergence> {
  if (mine.lsn >= fork) return diverged(fork);
  const places = parts.places();
  const args = [
    '--path',
    `${places.dataDir}/pg_wal`,
    '--timeline',
    String(mine.timeline),
    '--start',
    lsnText(mine.lsn),
    '--limit',
    '2',
  ];
  const finished = await parts.world.processes.run(
    { program: places.program('pg_waldump'), args, env: toolEnv(places) },
    10_000,
  );
  if (finished.kind !== 'exited') return unknown(`pg_waldump: ${finished.kind}`);
  const end = endOfShutdownCheckpoint(finished.stdout, finished.stderr, mine.lsn);
  if (end === null)
    return unknown(`the end of the shutdown checkpoint was not understood: ${finished.stderr.trim().slice(-200)}`);
  return end === fork ? { kind: 'none' } : diverged(fork);
}

async function whereIAm(parts: PostgresParts, local: LocalPostgres): Promise<Mine | string> {
  if (local.kind === 'stopped') return fromControl(local.control);
  if (local.kind !== 'running') return `PostgreSQL is ${local.kind}`;
  if (local.role === 'primary') return 'it runs as primary';
  // The control file may lag behind the replayed timeline, and the receiver be ahead of it: the server itself is asked.
  const own = { ...ownTarget(parts.settings(), 'Patroni heartbeat'), replication: true };
  const identity = await runOnce(parts.world.sql, own, [identifySystem], limitMs);
  const replayed = identity.kind === 'rows' ? Number(identity.rows[0]?.timeline ?? 0) : 0;
  if (replayed === 0) return `my own timeline: ${identity.kind === 'rows' ? 'no answer' : whyNot(identity)}`;
  return { timeline: timeline(replayed), lsn: local.replayedLsn, recovering: true, runs: true };
}

function fromControl(control: ControlData): Mine | string {
  switch (control.state) {
    case 'shut down in recovery':
    case 'in archive recovery':
      return control.minRecoveryEnd > 0n
        ? { timeline: control.minRecoveryEndTimeline, lsn: control.minRecoveryEnd, recovering: true }
        : { timeline: control.timeline, lsn: control.checkpoint, recovering: false };
    case 'shut down':
      return { timeline: control.timeline, lsn: control.checkpoint, recovering: false };
    default:
      return `it did not stop cleanly (${control.state}): crash recovery comes first`;
  }
}
