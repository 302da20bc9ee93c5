import type { PeerReport } from '../../model/peers.ts';
import { asNumber, asText } from '../../model/scalars.ts';
import { type Lsn, lsnOf, type Timeline, timeline } from '../../model/units.ts';
import { isObject, type JsonObject, naturalOrNull, parseJson, textOrNull } from '../dcs/json.ts';

/** What an agent says at GET /patroni: ours, or a Patroni of another version (`wal` for `xlog`, `master` for `primary`). Null: it is no status at all. */
export function readPeerStatus(text: string): PeerReport['said'] {
  const value = parseJson(text);
  if (!isObject(value)) return null;
  const state = textOrNull(value.state);
  const role = textOrNull(value.role);
  if (state === null || role === null) return null;
  const positions = positionsOf(value);
  const location = natural(positions.location);
  const tags = isObject(value.tags) ? value.tags : {};
  return {
    state,
    role,
    runsAsPrimary: ((role === 'primary' || role === 'master') && state === 'running') || location > 0n,
    noPrimary: location === 0n && saysNoPrimary(value, role, state),
    position: positionOf(positions),
    ...(location === 0n ? replayedIn(positions) : {}),
    ...(isObject(value.matriarch) && value.matriarch.replays_own_wal === true ? { isSure: false } : {}),
    lookedAgoMs: lookedAgoMs(value),
    hasWithdrawn: hasWithdrawn(value),
    timeline: timelineOf(value.timeline),
    nofailover: saysNofailover(tags),
    failoverPriority: priorityOf(tags),
    watchdogFailed: value.watchdog_failed === true,
    systemId: textOrNull(value.database_system_identifier),
    ...(location > 0n ? catalogXmins(value) : {}),
    ...hindranceIn(value),
    ...etcdAwayIn(value),
    ...crashesIn(value),
    ...upstreamEndIn(value),
  };
}

/** A Patroni asks its server while it answers; ours tell what they saw last. */
function lookedAgoMs({ matriarch }: JsonObject): number | null {
  if (!isObject(matriarch)) return 0;
  const ago = matriarch.looked_ms_ago;
  return typeof ago === 'number' && ago >= 0 ? ago : null;
}

function hasWithdrawn({ matriarch }: JsonObject): boolean | null {
  const word = isObject(matriarch) ? matriarch.withdrawn : null;
  return typeof word === 'boolean' ? word : null;
}

/** Of a primary of ours; a Patroni does not tell. */
function catalogXmins({
  matriarch,
  postmaster_start_time: started,
}: JsonObject): Pick<NonNullable<PeerReport['said']>, 'catalogXmins' | 'startedText'> {
  const slots = isObject(matriarch) && isObject(matriarch.slots) ? matriarch.slots : null;
  if (slots === null) return {};
  const known = Object.entries(slots).flatMap(([name, slot]) =>
    isObject(slot) && typeof slot.catalog_xmin === 'number' ? [[name, slot.catalog_xmin] as const] : [],
  );
  return { catalogXmins: Object.fromEntries(known), startedText: String(started) };
}

/** Of ours alone: a Patroni does not say. */
function hindranceIn(value: JsonObject): { readonly hindrance?: string } {
  const health = isObject(value.matriarch) ? textOrNull(value.matriarch.health) : null;
  return health === null || health === 'good' ? {} : { hindrance: health };
}

/** Of ours alone. */
function upstreamEndIn({ matriarch }: JsonObject): { readonly upstreamEnd?: Lsn } {
  const end = isObject(matriarch) ? naturalOrNull(matriarch.upstream_end) : null;
  return end === null || end === 0n ? {} : { upstreamEnd: lsnOf(end) };
}

/** Of ours alone. */
function crashesIn({ matriarch }: JsonObject): { readonly crashes?: number } {
  const crashes = isObject(matriarch) ? matriarch.crashes : undefined;
  return typeof crashes === 'number' && crashes > 0 ? { crashes } : {};
}

/** Of ours alone. */
function etcdAwayIn({ matriarch }: JsonObject): { readonly etcdAwayMs?: number } {
  const away = isObject(matriarch) ? matriarch.etcd_away_ms : undefined;
  return typeof away === 'number' && away >= 0 ? { etcdAwayMs: away } : {};
}

/** Ours say whether they may write. Of a Patroni only a standby at work is proof: what is starting or gives no answer may be anything. */
function saysNoPrimary(value: JsonObject, role: string, state: string): boolean {
  const own = isObject(value.matriarch) ? value.matriarch.may_write : undefined;
  if (own !== undefined) return own === false;
  return ['replica', 'standby_leader'].includes(role) && ['running', 'streaming'].includes(state);
}

const positionsOf = (value: JsonObject): JsonObject =>
  isObject(value.xlog) ? value.xlog : isObject(value.wal) ? value.wal : {};

const natural = (value: unknown): bigint => naturalOrNull(value) ?? 0n;

/** A standby of PostgreSQL says received and replayed, a primary its location. 0 is what Patroni writes for "unknown". */
function positionOf(positions: JsonObject): Lsn | null {
  const all = [positions.location, positions.received_location, positions.replayed_location].map(natural);
  let furthest = 0n;
  for (const position of all) if (position > furthest) furthest = position;
  return furthest === 0n ? null : lsnOf(furthest);
}

function replayedIn(positions: JsonObject): { readonly replayed?: Lsn } {
  const replayed = natural(positions.replayed_location);
  return replayed === 0n ? {} : { replayed: lsnOf(replayed) };
}

function timelineOf(value: unknown): Timeline | null {
  const number = natural(value);
  return number === 0n || number > 0xffffffffn ? null : timeline(Number(number));
}

/** `nofailover`, where it is given, counts before the priority. */
export function saysNofailover(tags: JsonObject): boolean {
  const given = tags.nofailover;
  if (given === undefined || given === null) return priorityOf(tags) <= 0;
  return given === true || /^(true|yes|on|1)$/i.test(asText(given));
}

function priorityOf(tags: JsonObject): number {
  const given = tags.failover_priority;
  if (given === undefined || given === null || given === '') return 1;
  const number = asNumber(given);
  return Number.isFinite(number) ? number : 1;
}
