import type { Upstream } from '../../../model/postgres.ts';
import { must } from '../configure.ts';
import { readMark } from '../marker.ts';
import type { PostgresParts } from '../parts.ts';
import { peerTarget, runOnce } from '../sessions.ts';
import { tablespaces } from '../statements.ts';

/**
 * What of a data directory lies elsewhere: tablespaces, and WAL on a disk of its own; inside are links to them. Without them a copy
 * is none, and what is left there keeps the next one from being made: pg_basebackup goes into folders that are empty.
 */
export interface Outside {
  readonly what: 'wal' | 'tablespace';
  readonly at: string;
}

const limitMs = 3_000;
/** PostgreSQL's own, whatever else lies there. */
const isWal = (name: string): boolean =>
  /^[0-9A-F]{24}(\.|$)|\.history$|^archive_status$|^summaries$|^xlogtemp\./.test(name);
const isOfTablespace = (name: string): boolean => /^PG_\d+_\d+$/.test(name);

export async function outsideOf(parts: PostgresParts): Promise<readonly Outside[]> {
  const { files } = parts.world;
  const root = await files.real(parts.places().dataDir);
  if (root === null) return [];
  const found: Outside[] = [];
  const look = async (what: Outside['what'], inside: string): Promise<void> => {
    const at = await files.real(`${root}/${inside}`);
    if (at !== null && at !== `${root}/${inside}`) found.push({ what, at });
  };
  await look('wal', 'pg_wal');
  for (const name of await namesIn(parts, `${root}/pg_tblspc`)) await look('tablespace', `pg_tblspc/${name}`);
  return found;
}

/** Several servers may have their files in one place, each its own version: of a tablespace, what this one has there. */
async function ownNames(parts: PostgresParts, { what, at }: Outside): Promise<readonly string[]> {
  const names = await namesIn(parts, at);
  if (what === 'wal') return names.filter(isWal);
  const version = await parts.world.files.read(`${parts.places().dataDir}/PG_VERSION`);
  const begin = version.kind === 'text' ? `PG_${version.text.trim()}_` : null;
  return begin === null ? [] : names.filter((name) => name.startsWith(begin));
}

/** Before the data directory itself: without its links nobody would find the way. */
export async function emptyOutside(parts: PostgresParts): Promise<void> {
  for (const one of await outsideOf(parts)) {
    const names = await ownNames(parts, one);
    for (const name of names) await must(parts.world.files.remove(`${one.at}/${name}`));
    if (names.length > 0) parts.step('removeData', `emptied: ${one.what}`, [['at', one.at]]);
  }
}

/** Renamed as well, each beside itself. A text: it can not be. */
export async function setOutsideAside(
  parts: PostgresParts,
  freeName: (path: string) => Promise<string>,
): Promise<string | null> {
  const { files } = parts.world;
  for (const one of await outsideOf(parts)) {
    if ((await ownNames(parts, one)).length === 0) continue;
    const to = await freeName(one.at);
    const renamed = await files.rename(one.at, to);
    if (renamed.kind === 'failed')
      return `its ${one.what} in ${one.at} can not be renamed (${renamed.why}): move what is in it away`;
    await must(files.makeDirectory(one.at, 0o700));
    parts.note('warning', `a ${one.what} outside the data directory was set aside with it`, [
      ['was', one.at],
      ['to', to],
    ]);
  }
  return null;
}

/** Where a copy will go beside the data directory, as far as its source tells. */
async function willGoTo(
  parts: PostgresParts,
  from: Upstream,
  options: readonly (readonly [string, string | null])[],
): Promise<readonly string[]> {
  const settings = parts.settings();
  const { superuser, rewind } = settings.local.postgres;
  const asked = await runOnce(
    parts.world.sql,
    peerTarget(settings, from.host, from.port, rewind ?? superuser, false),
    [tablespaces],
    limitMs,
  );
  const mapped = options.flatMap(([name, value]) => {
    const [was, to] = name === 'tablespace-mapping' ? (value ?? '').split('=') : [];
    return was === undefined || to === undefined ? [] : [{ was, to }];
  });
  const locations = asked.kind === 'rows' ? asked.rows.map((row) => row.location ?? '') : [];
  const waldirs = options.flatMap(([name, value]) => (name === 'waldir' && value !== null ? [value] : []));
  return [...locations.map((was) => mapped.find((one) => one.was === was)?.to ?? was), ...waldirs];
}

/** The places are ours from now on, since nothing was there. A text: something is. */
export async function claimOutside(
  parts: PostgresParts,
  from: Upstream,
  options: readonly (readonly [string, string | null])[],
): Promise<readonly string[] | string> {
  const places = await willGoTo(parts, from, options);
  for (const at of places) {
    const [first] = await namesIn(parts, at);
    if (first !== undefined)
      return `${at} holds files (${first}), and a part of the copy belongs there: nothing is copied over them. Move them away`;
  }
  return places;
}

/** Of those the empty ones: where an operator's own tool puts things is that one's business, and what was there before is not ours. */
export async function claimEmptyOutside(parts: PostgresParts, from: Upstream): Promise<readonly string[]> {
  const claimed: string[] = [];
  for (const at of await willGoTo(parts, from, [])) if ((await namesIn(parts, at)).length === 0) claimed.push(at);
  return claimed;
}

/**
 * What a base backup that was broken off left there: pg_basebackup itself takes back the least of it. What else is there was put there
 * since, and keeps the next copy from being made.
 */
export async function emptyClaimed(parts: PostgresParts): Promise<void> {
  const marked = await readMark(parts);
  if (marked?.left !== 'basebackup') return;
  for (const at of marked.claimed)
    for (const name of await namesIn(parts, at))
      if (isWal(name) || isOfTablespace(name)) await must(parts.world.files.remove(`${at}/${name}`));
}

async function namesIn(parts: PostgresParts, folder: string): Promise<readonly string[]> {
  const listing = await parts.world.files.list(folder);
  return listing.kind === 'entries' ? listing.names : [];
}
