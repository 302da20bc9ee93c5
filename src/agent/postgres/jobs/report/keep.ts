import { beginOfSegment, isWalFileName, readWalFileName, segmentOf } from '../../../../codec/postgres/walFile.ts';
import type { KeptWal, RepairReport } from '../../../../model/report.ts';
import { type Lsn, lsnOf } from '../../../../model/units.ts';
import type { JobContext, PostgresParts } from '../../parts.ts';
import type { Beyond } from './beyond.ts';

/** Of what is free: the disk is not filled up for a report, the server needs some of it, too. */
const shareOfFree = 0.5;
/** The record that begins at the end may go over into the next segment. */
const lastRecordBytes = 8_192n;
const againMs = 5_000;
/** A file system may show late, or never, what was freed: no more is given up for it meanwhile. */
const givenMs = 60_000;

interface WalFile {
  readonly name: string;
  readonly bytes: number;
}

/** What is to be kept: the segments from the fork on, as far as there is anything in them, and what tells their timelines. */
interface Wanted {
  readonly segments: readonly WalFile[];
  readonly histories: readonly WalFile[];
  /** Why the beginning is not among them; null: it is. */
  readonly gone: string | null;
}

const sizeOf = (files: readonly WalFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Waits for room as long as the settings say, then keeps what there is room for. Null: the job was cancelled. */
export async function keepWal(
  parts: PostgresParts,
  context: Pick<JobContext, 'signal' | 'progress'>,
  id: string,
  { beyond, end, patient }: { readonly beyond: Beyond; readonly end: Lsn; readonly patient: boolean },
): Promise<KeptWal | null> {
  const { clock } = parts.world;
  const settings = parts.settings().local.reports;
  const folder = parts.reports.folderOf(id);
  const nothing = (why: string): KeptWal => ({ kept: 'none', folder, files: [], bytes: 0, why, until: null });
  if (settings.keepMs === 0) return nothing('none is to be kept: matriarch.reports.keep_days is 0');
  const until = new Date(clock.wall() + settings.keepMs).toISOString();
  const patienceMs = patient ? settings.roomPatienceMs : 0;
  const sinceMs = clock.now();
  let told = false;
  let gaveMs: number | null = null;
  await parts.world.files.remove(folder);
  for (;;) {
    const wanted = await wantedWal(parts, beyond, end);
    if (typeof wanted === 'string') return nothing(wanted);
    const isLast = clock.now() - sinceMs >= patienceMs;
    const all = [...wanted.histories, ...wanted.segments];
    const mayGive = gaveMs === null || clock.now() - gaveMs >= givenMs;
    const { gave, ...room } = await makeRoom(parts, id, sizeOf(all), mayGive);
    if (gave) gaveMs = clock.now();
    const chosen = fitting(all, isLast ? room.bytes : sizeOf(all) <= room.bytes ? room.bytes : -1);
    const why = chosen === null ? shortOf(sizeOf(all), room) : await copyAll(parts, context, folder, chosen);
    if (context.signal.aborted) return left();
    if (chosen !== null && why === null) {
      const isWhole = chosen.length === all.length;
      const missing = isWhole ? wanted.gone : shortOf(sizeOf(all), room);
      const files = chosen.map(({ name }) => name);
      return { kept: missing === null ? 'whole' : 'partly', folder, files, bytes: sizeOf(chosen), why: missing, until };
    }
    // Half a copy would take the very room that is waited for.
    await parts.world.files.remove(folder);
    if (isLast) return nothing(why ?? 'there is no room');
    if (!told)
      parts.note('warning', 'a repair waits for room to keep the WAL that it throws away', waits(why, patienceMs));
    told = true;
    context.progress(`waits for room to keep the WAL that it throws away: ${why}`);
    await clock.sleep(againMs, context.signal);
    if (context.signal.aborted) return left();
  }

  /** Of a copy that was broken off nobody would know. */
  async function left(): Promise<null> {
    await parts.world.files.remove(folder);
    return null;
  }
}

const waits = (why: string | null, patienceMs: number) =>
  [
    ['why', why],
    ['goesOnWithoutInMs', patienceMs],
    ['remedy', 'make room, or set matriarch.reports (max_size_mb, wait_for_room)'],
  ] as const;

/** A text: why there is nothing to keep. */
async function wantedWal(parts: PostgresParts, { stretches }: Beyond, end: Lsn): Promise<Wanted | string> {
  const { files } = parts.world;
  const folder = `${parts.places().dataDir}/pg_wal`;
  const listing = await files.list(folder);
  if (listing.kind !== 'entries') return `${folder}: ${listing.kind === 'absent' ? 'is not there' : listing.why}`;
  const sized = async (name: string): Promise<WalFile> => {
    const stat = await files.stat(`${folder}/${name}`);
    return { name, bytes: stat.kind === 'file' ? stat.sizeBytes : 0 };
  };
  const histories = await Promise.all(listing.names.filter((name) => name.endsWith('.history')).map(sized));
  const [first] = listing.names.filter(isWalFileName);
  const segmentBytes = first === undefined ? 0n : BigInt((await sized(first)).bytes);
  if (segmentBytes === 0n) return { segments: [], histories, gone: 'there are no segments here' };
  const names = listing.names.filter((name) => {
    const file = readWalFileName(name, segmentBytes);
    return stretches.some(({ timeline, from, to }) => {
      const last = to ?? lsnOf(end + lastRecordBytes);
      return (
        file?.timeline === timeline &&
        file.number >= segmentOf(from, segmentBytes) &&
        file.number <= segmentOf(last, segmentBytes)
      );
    });
  });
  const segments = await Promise.all(names.sort().map(sized));
  const begins = segments.flatMap(({ name }) => {
    const file = readWalFileName(name, segmentBytes);
    return file === null ? [] : [beginOfSegment(file.number, segmentBytes)];
  });
  const [fork] = stretches;
  const isThere = fork !== undefined && begins.some((begin) => begin <= fork.from);
  return { segments, histories, gone: isThere ? null : 'the segment of the fork was no longer here' };
}

interface Room {
  readonly bytes: number;
  readonly by: string;
}

/**
 * What older reports keep gives way, as far as that helps. What goes counts as free at once: a file system may show it later.
 */
async function makeRoom(
  parts: PostgresParts,
  id: string,
  bytes: number,
  mayGive: boolean,
): Promise<Room & { readonly gave: boolean }> {
  const { stateDir, reports } = parts.settings().local;
  const known = (await parts.reports.known()).filter((report) => report.id !== id);
  const freeBytes = await parts.world.files.freeBytes(stateDir);
  const roomWithout = (gone: readonly RepairReport[]): Room => {
    const left = reports.walBytesMax - (bytesOf(known) - bytesOf(gone));
    const onDisk = Math.floor(((freeBytes ?? 0) + bytesOf(gone)) * shareOfFree);
    return left < onDisk
      ? { bytes: left, by: 'matriarch.reports.max_size_mb, of all reports together' }
      : { bytes: onDisk, by: `the disk of ${stateDir}, of which no more than half of what is free is taken` };
  };
  const others = parts.reports.giveWay().filter((report) => report.id !== id);
  const enough = others.map((_, at) => others.slice(0, at)).find((gone) => roomWithout(gone).bytes >= bytes);
  const gone = freeBytes === null || !mayGive ? [] : (enough ?? (roomWithout(others).bytes >= bytes ? others : []));
  if (gone.length > 0)
    await parts.reports.removeWal(gone, `a newer report needed room: ${shortOf(bytes, roomWithout([]))}`);
  return { ...roomWithout(gone), gave: gone.length > 0 };
}

const bytesOf = (reports: readonly RepairReport[]): number => reports.reduce((sum, { wal }) => sum + wal.bytes, 0);

const shortOf = (bytes: number, room: Room): string =>
  `it takes ${bytes} bytes, and ${Math.max(0, room.bytes)} are left by ${room.by}`;

/** From the fork on, what fits; null: nothing does. */
function fitting(files: readonly WalFile[], roomBytes: number): readonly WalFile[] | null {
  let left = roomBytes;
  const cut = files.findIndex(({ bytes }) => {
    left -= bytes;
    return left < 0;
  });
  const chosen = cut < 0 ? files : files.slice(0, cut);
  return chosen.length === 0 && files.length > 0 ? null : chosen;
}

/** Null: all of them are there. */
async function copyAll(
  parts: PostgresParts,
  { signal, progress }: Pick<JobContext, 'signal' | 'progress'>,
  folder: string,
  chosen: readonly WalFile[],
): Promise<string | null> {
  const { files } = parts.world;
  const made = await files.makeDirectory(folder, 0o700);
  if (made.kind !== 'done') return made.why;
  for (const [at, { name }] of chosen.entries()) {
    if (signal.aborted) return 'cancelled';
    progress(`keeps the WAL that it throws away: ${at + 1} of ${chosen.length}`);
    const copied = await files.copy(`${parts.places().dataDir}/pg_wal/${name}`, `${folder}/${name}`);
    if (copied.kind !== 'done') return copied.why;
  }
  return null;
}
