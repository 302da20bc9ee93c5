import type { Fact } from '../../../../model/decision.ts';
import type { Upstream } from '../../../../model/postgres.ts';
import type { KeptWal, RepairReport } from '../../../../model/report.ts';
import { type Lsn, lsn, lsnOf, lsnText } from '../../../../model/units.ts';
import { readMark } from '../../marker.ts';
import { cancelled, type JobContext, type JobResult, type PostgresParts } from '../../parts.ts';
import { type Beyond, beyondFork } from './beyond.ts';
import { keepWal } from './keep.ts';
import { nameTables } from './names.ts';
import { type ReadWal, readWal } from './read.ts';

const againMs = 5_000;

/** What a job that throws WAL away does first, and says after it. */
export interface Reported {
  /** The job ends here; null: it goes on. */
  readonly ends: JobResult | null;
  /** What became of it is written into the report. */
  done(outcome: string): Promise<void>;
}

const goesOn: Reported = { ends: null, done: () => Promise.resolve() };

/**
 * Before a data directory is rewound or emptied: what of it the leader does not have is written down, and its WAL kept. One
 * report for one such piece of history, however often the repair is begun anew: the same place is looked for, and the report
 * of an earlier try is taken up. What a human asked for does not wait for room.
 */
export async function reportBefore(
  parts: PostgresParts,
  context: JobContext,
  deed: RepairReport['deed'],
  leader: Upstream,
): Promise<Reported> {
  const beyond = await beyondFork(parts, leader);
  if (context.signal.aborted) return { ...goesOn, ends: cancelled };
  if (typeof beyond === 'string') {
    parts.note('warning', 'what a repair throws away could not be told: there is no report', [['why', beyond]]);
    return goesOn;
  }
  const [first] = beyond.stretches;
  if (first === undefined) return goesOn;
  const read = await readWal(parts, context, beyond.stretches);
  if (context.signal.aborted) return { ...goesOn, ends: cancelled };
  const last = read.tally.lastLsn;
  const end = last !== null && last > beyond.atLeast ? last : beyond.atLeast;
  if (last === null && end <= first.from) return goesOn;
  return write(parts, context, { deed, leader, beyond, fork: first.from, end, read });
}

interface Found {
  readonly deed: RepairReport['deed'];
  readonly leader: Upstream;
  readonly beyond: Beyond;
  readonly fork: Lsn;
  readonly end: Lsn;
  readonly read: ReadWal;
}

async function write(parts: PostgresParts, context: JobContext, found: Found): Promise<Reported> {
  const { clock } = parts.world;
  const { rule, because } = context.cause;
  const patient = !rule.startsWith('asked.');
  const sinceMs = clock.now();
  const known = (await parts.reports.known()).findLast((report) => isOf(report, found));
  const isWhole = known !== undefined && lsn(known.end.lsn) === found.end && known.wal.kept === 'whole';
  // Half a rewind has taken some of it away: what was kept before is more than what is here.
  const isHalf = known !== undefined && known.wal.kept !== 'none' && (await readMark(parts))?.left === 'rewind';
  const begun = isWhole || isHalf ? known : null;
  let report = begun ?? (await compose(parts, found, known, { rule, because }));
  parts.reports.begin(report.id);
  for (let told = false; begun === null; told = true) {
    const why = await save(parts, report);
    if (why === null) break;
    const leftMs = (patient ? parts.settings().local.reports.roomPatienceMs : 0) - (clock.now() - sinceMs);
    const facts: readonly Fact[] = [['why', why], ...factsOf(report)];
    if (!told) parts.note('warning', 'the report of a repair could not be written', facts);
    if (leftMs <= 0) return goesOn;
    context.progress(`waits for its report to be written: ${why}`);
    await clock.sleep(Math.min(againMs, leftMs), context.signal);
    if (context.signal.aborted) return { ...goesOn, ends: cancelled };
  }
  if (begun === null) {
    const wal = await keepWal(parts, context, report.id, { beyond: found.beyond, end: found.end, patient });
    if (wal === null) return { ...goesOn, ends: cancelled };
    report = { ...report, wal };
    const why = await save(parts, report);
    // What is told is on the disk, and so is the WAL.
    if (why !== null)
      parts.note('warning', `the report ${report.id} does not tell of the WAL beside it`, [['why', why]]);
  }
  tell(parts, report);
  return { ends: null, done: (outcome) => settle(parts, { ...report, deed: found.deed }, outcome) };
}

/** A repair was broken off, and somebody else puts its data aside: its report ends with that. */
export async function endPending(parts: PostgresParts, outcome: string): Promise<void> {
  const pending = (await parts.reports.known()).findLast((report) => report.outcome === null);
  if (pending !== undefined) await settle(parts, pending, outcome);
}

/** The same piece of history: no timeline is begun twice. */
const isOf = ({ systemId, fork, end, outcome }: RepairReport, { beyond, fork: at }: Found): boolean =>
  outcome === null &&
  systemId === beyond.systemId &&
  fork.timeline === beyond.stretches[0]?.timeline &&
  fork.lsn === lsnText(at) &&
  end.timeline === beyond.timeline;

async function compose(
  parts: PostgresParts,
  { deed, leader, beyond, fork, end, read }: Found,
  known: RepairReport | undefined,
  why: RepairReport['why'],
): Promise<RepairReport> {
  const { local } = parts.settings();
  const { tally, cutShort } = read;
  const named = await nameTables(parts, leader, tally.tables);
  const began = known?.began ?? new Date(parts.world.clock.wall()).toISOString();
  const id = known?.id ?? began.replace(/[-:Z]/g, '').replace(/[T.]/g, '-');
  const wal: KeptWal = {
    kept: 'none',
    folder: parts.reports.folderOf(id),
    files: [],
    bytes: 0,
    why: 'it is being copied, or the agent ended meanwhile',
    until: null,
  };
  return {
    version: 1,
    id,
    scope: local.scope,
    node: local.name,
    systemId: beyond.systemId,
    state: 'prepared',
    began,
    deed,
    outcome: null,
    why,
    leader: leader.member,
    fork: { timeline: beyond.stretches[0]?.timeline ?? beyond.timeline, lsn: lsnText(fork) },
    end: { timeline: beyond.timeline, lsn: lsnText(end) },
    bytes: Number(lsnOf(end > fork ? end - fork : 0n)),
    transactions: { count: tally.commits, first: tally.firstCommit, last: tally.lastCommit },
    tables: named.tables,
    tablesLeftOut: named.leftOut,
    cutShort,
    namesUnknown: named.why,
    wal,
  };
}

/** Null: it is on the disk. */
async function save(parts: PostgresParts, report: RepairReport): Promise<string | null> {
  const saved = await parts.reports.save(report);
  return saved.kind === 'done' ? null : saved.why;
}

function factsOf({ id, bytes, transactions, tables }: RepairReport): readonly Fact[] {
  return [
    ['report', id],
    ['beyondForkBytes', bytes],
    ['beyondForkCommits', transactions.count],
    ['tables', tables.length],
  ];
}

function tell(parts: PostgresParts, report: RepairReport): void {
  parts.step(report.deed === 'rewind' ? 'rewind' : 'removeData', 'reported what is thrown away', factsOf(report));
  const { wal } = report;
  if (wal.kept === 'whole') return;
  parts.note('warning', 'WAL that a repair throws away is not all kept', [
    ['report', report.id],
    ['kept', wal.kept],
    ['why', wal.why],
  ]);
}

/** That the deed is done is known all the same, should this not be written: from the journal. */
async function settle(parts: PostgresParts, report: RepairReport, outcome: string): Promise<void> {
  const why = await save(parts, { ...report, state: 'done', outcome });
  if (why !== null) parts.note('warning', `the report ${report.id} could not be brought to its end`, [['why', why]]);
}
