import { readSlotState } from '../../../codec/postgres/slotState.ts';
import type { Job, LogicalSlot } from '../../../model/job.ts';
import type { LocalPostgres } from '../../../model/postgres.ts';
import { type Lsn, later, lsn, lsnText } from '../../../model/units.ts';
import type { SqlRow } from '../../../model/world.ts';
import { must } from '../configure.ts';
import { halt } from '../halt.ts';
import {
  aborted,
  cancelled,
  failed,
  type JobContext,
  type JobResult,
  type PostgresParts,
  succeeded,
} from '../parts.ts';
import { ownTarget, peerTarget, runOnce, whyNot } from '../sessions.ts';
import { dropSlot, holdsWal, slotFiles } from '../statements.ts';

type CopyJob = Extract<Job, { kind: 'copySlots' }>;
interface SlotFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly confirmedLsn: Lsn;
  readonly restartLsn: Lsn;
}

const askLimitMs = 5_000;
const replayLimitMs = 5_000;
const replayPaceMs = 100;
const stopMs = 20_000;

/**
 * Logical slots of the primary, laid down here. Everything that may speak against it is looked at before the server is stopped:
 * 1. the slots are what the configuration says, and no others are taken;
 * 2. their WAL is here still, so that they can be decoded after a promotion;
 * 3. what their consumers have confirmed is replayed here: a slot ahead of its server would leave out what comes in between.
 * A server that is found stopped in the middle is started by the rules like others; PostgreSQL removes half a slot (`.tmp`).
 */
export async function copySlots(
  parts: PostgresParts,
  context: JobContext,
  job: CopyJob,
  deps: { readonly look: () => Promise<LocalPostgres>; readonly start: () => Promise<JobResult> },
): Promise<JobResult> {
  const found = await Promise.race([readFrom(parts, job), aborted(context)]);
  if (found === null) return cancelled;
  if (typeof found === 'string') return failed(found);
  const usable: SlotFile[] = [];
  for (const slot of job.slots) {
    const row = found.find(({ slot_name }) => slot_name === slot.name);
    const file = row === undefined ? 'the primary has no such slot' : await judged(parts, slot, row);
    if (typeof file === 'string') parts.note('warning', `logical slot ${slot.name} is not copied: ${file}`);
    else usable.push(file);
  }
  if (usable.length === 0) return failed('none of the logical slots can be copied');
  if (!(await replayed(parts, context, deps.look, usable)))
    return failed('what consumers have confirmed is not replayed here yet');
  if (context.signal.aborted) return cancelled;
  const refusal = await context.premise(job.premise);
  if (refusal !== null) return failed(`not copied: ${refusal}`);
  // A fast stop ends with a restartpoint, and that removes WAL which nothing but these slots will need. A standby's data is recovered
  // from WAL in either case.
  const killAtMs = later(parts.world.clock.now(), stopMs);
  const stopped = await halt(parts, context, 'immediate', { immediateAtMs: null, killAtMs });
  if (stopped.ended !== 'done') return stopped;
  for (const file of usable) await layDown(parts, file);
  parts.step('copySlots', `copied from ${job.from.member}`, [['slots', usable.map(({ name }) => name).join(' ')]]);
  const started = await deps.start();
  if (started.ended !== 'done') return started;
  const without = await dropWithoutWal(parts, usable);
  return without.length === 0
    ? succeeded
    : failed(`removed again, as their WAL had gone meanwhile: ${without.join(', ')}`);
}

/** From here on they hold their WAL. What a restartpoint took just before cannot be decoded: no slot is better than that. */
async function dropWithoutWal(parts: PostgresParts, slots: readonly SlotFile[]): Promise<readonly string[]> {
  const own = ownTarget(parts.settings(), 'Patroni slots');
  const dropped: string[] = [];
  for (const { name, restartLsn } of slots) {
    if ((await hasWalFrom(parts, restartLsn)) !== false) continue;
    await runOnce(parts.world.sql, own, [dropSlot(name)], askLimitMs);
    dropped.push(name);
  }
  return dropped;
}

async function readFrom(parts: PostgresParts, { from, slots }: CopyJob): Promise<readonly SqlRow[] | string> {
  const settings = parts.settings();
  const { superuser, rewind } = settings.local.postgres;
  const target = peerTarget(settings, from.host, from.port, rewind ?? superuser, false);
  const asked = await runOnce(parts.world.sql, target, [slotFiles(slots.map(({ name }) => name))], askLimitMs);
  return asked.kind === 'rows' ? asked.rows : `${from.member} did not give its logical slots: ${whyNot(asked)}`;
}

/** A text: why it must not be taken over. */
async function judged(parts: PostgresParts, slot: LogicalSlot, row: SqlRow): Promise<SlotFile | string> {
  if (row.database !== slot.database || row.plugin !== slot.plugin)
    return `on the primary it is of database ${row.database} and plugin ${row.plugin}, and shall be of ${slot.database} and ${slot.plugin}`;
  if (row.wal_status === 'lost') return 'it is invalidated on the primary';
  if (row.confirmed_flush_lsn == null) return 'it is being made on the primary';
  const bytes = Uint8Array.from(atob((row.state ?? '').replace(/\s/g, '')), (letter) => letter.charCodeAt(0));
  const state = readSlotState(bytes, slot.name);
  if (state === null) return 'its file on the primary was not understood';
  const { restartLsn } = state;
  if ((await hasWalFrom(parts, restartLsn)) !== true)
    return `this standby no longer has the WAL that it needs, from ${lsnText(restartLsn)} on; it is copied once its consumer has caught up`;
  return { name: slot.name, bytes, confirmedLsn: lsn(row.confirmed_flush_lsn), restartLsn };
}

/** Null: the server did not tell. */
async function hasWalFrom(parts: PostgresParts, from: Lsn): Promise<boolean | null> {
  const own = ownTarget(parts.settings(), 'Patroni slots');
  const asked = await runOnce(parts.world.sql, own, [holdsWal(lsnText(from))], askLimitMs);
  return asked.kind === 'rows' ? asked.rows[0]?.there === 't' : null;
}

async function replayed(
  { world }: PostgresParts,
  { signal }: JobContext,
  look: () => Promise<LocalPostgres>,
  slots: readonly SlotFile[],
): Promise<boolean> {
  const endMs = later(world.clock.now(), replayLimitMs);
  while (!signal.aborted) {
    const seen = await look();
    if (seen.kind !== 'running' || seen.role !== 'standby') return false;
    const { replayedLsn } = seen;
    if (slots.every(({ confirmedLsn }) => confirmedLsn <= replayedLsn)) return true;
    if (world.clock.now() >= endMs) return false;
    await world.clock.sleep(replayPaceMs, signal);
  }
  return false;
}

/** Whole or not at all: PostgreSQL does it the same way, and throws away what ends in `.tmp`. */
async function layDown(parts: PostgresParts, { name, bytes }: SlotFile): Promise<void> {
  const { files } = parts.world;
  const folder = `${parts.places().dataDir}/pg_replslot/${name}`;
  if ((await files.stat(folder)).kind !== 'absent') return; // it came to be in the meantime: it is not written over
  await must(files.remove(`${folder}.tmp`));
  await must(files.makeDirectory(`${folder}.tmp`, 0o700));
  await must(files.write(`${folder}.tmp/state`, bytes, 0o600));
  await must(files.rename(`${folder}.tmp`, folder));
}
