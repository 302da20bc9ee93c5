import type { Member } from '../../model/cluster.ts';
import type { MemberRecord } from '../../model/decision.ts';
import { asText } from '../../model/scalars.ts';
import { type Lsn, lsnOf, type Timeline, timeline } from '../../model/units.ts';
import { compactJson, isObject, type JsonObject, naturalOrNull, parseJson, textOrNull } from './json.ts';
import { hostPortOf } from './url.ts';

type Role = Member['role'];
const roles: Readonly<Record<string, Role>> = {
  primary: 'primary',
  master: 'primary',
  standby_leader: 'standby_leader',
  replica: 'replica',
  demoted: 'demoted',
  promoted: 'promoted',
  uninitialized: 'uninitialized',
};

export type ReadMember = Omit<Member, 'modRevision' | 'lease'>;

/** Never fails: what cannot be read is absent, and `problem` says so. */
export function readMember(
  name: string,
  text: string,
): { readonly member: ReadMember; readonly problem: string | null } {
  const value = parseJson(text);
  if (isObject(value)) return readFields(name, value);
  const ancient = readAncient(text);
  if (ancient !== null) return { member: memberOf(name, ancient), problem: null };
  return { member: { ...memberOf(name, {}), state: '' }, problem: 'no JSON object' };
}

interface ReadFields {
  readonly member: ReadMember;
  readonly problem: string | null;
}

function readFields(name: string, value: JsonObject): ReadFields {
  const before = lately.get(value);
  if (before?.member.name === name) return before;
  const wrong = wrongFields(value);
  const problem = wrong.length === 0 ? null : `cannot be read: ${wrong.join(', ')}`;
  const read = { member: memberOf(name, value), problem };
  lately.set(value, read);
  return read;
}

/** A text that says what it said is the same value: each look reads all members again. */
const lately = new WeakMap<JsonObject, ReadFields>();

function memberOf(name: string, value: JsonObject): ReadMember {
  const connUrl = textOrNull(value.conn_url);
  const at = connUrl === null ? null : hostPortOf(connUrl);
  return {
    name,
    connUrl,
    apiUrl: textOrNull(value.api_url),
    proxyUrl: textOrNull(value.proxy_url),
    host: at?.host ?? null,
    port: at?.port ?? null,
    state: textOrNull(value.state) ?? 'unknown',
    role: roles[textOrNull(value.role) ?? ''] ?? 'unknown',
    version: textOrNull(value.version),
    checkpointAfterPromote: value.checkpoint_after_promote === false ? false : null,
    tags: isObject(value.tags) ? value.tags : {},
    pendingRestart: value.pending_restart === true,
    pendingRestartReason: readReasons(value.pending_restart_reason),
    xlogLocation: lsnOrNull(value.xlog_location),
    replayLsn: lsnOrNull(value.replay_lsn),
    receiveLsn: lsnOrNull(value.receive_lsn),
    replicationState: textOrNull(value.replication_state),
    timeline: timelineOrNull(value.timeline),
    scheduledRestart: isObject(value.scheduled_restart) ? value.scheduled_restart : null,
    pause: value.pause === true,
    other: Object.fromEntries(Object.entries(value).filter(([field]) => !known.has(field))),
  };
}

/** `masterRole`: an older Patroni shares the cluster and looks for `master`. */
export function writeMember(record: MemberRecord, options: { readonly masterRole: boolean }): string {
  return compactJson({
    conn_url: record.connUrl ?? undefined,
    api_url: record.apiUrl ?? undefined,
    state: record.state,
    role: record.role === 'primary' && options.masterRole ? 'master' : record.role,
    version: record.version ?? undefined,
    proxy_url: record.proxyUrl ?? undefined,
    checkpoint_after_promote: record.checkpointAfterPromote ?? undefined,
    tags: Object.keys(record.tags).length === 0 ? undefined : record.tags,
    pending_restart: record.pendingRestart || undefined,
    pending_restart_reason: writeReasons(record.pendingRestartReason),
    xlog_location: record.xlogLocation ?? undefined,
    replay_lsn: record.replayLsn ?? undefined,
    receive_lsn: record.receiveLsn ?? undefined,
    replication_state: record.replicationState ?? undefined,
    timeline: record.timeline ?? undefined,
    scheduled_restart: record.scheduledRestart ?? undefined,
    pause: record.pause || undefined,
    ...record.other,
  });
}

/** Patroni before 4 knows its primary as `master`. Matriarch itself never counts, whatever version it shows below 1. */
export const wantsMasterRole = (members: readonly Pick<Member, 'version'>[]): boolean =>
  members.some(({ version }) => /^[123]\.\d/.test(version ?? ''));

const known: ReadonlySet<string> = new Set([
  'conn_url',
  'api_url',
  'state',
  'role',
  'version',
  'proxy_url',
  'checkpoint_after_promote',
  'tags',
  'pending_restart',
  'pending_restart_reason',
  'xlog_location',
  'replay_lsn',
  'receive_lsn',
  'replication_state',
  'timeline',
  'scheduled_restart',
  'pause',
]);

/** Fields that are there but of no use. */
function wrongFields(value: JsonObject): string[] {
  const lsns = ['xlog_location', 'replay_lsn', 'receive_lsn'].filter(
    (field) => field in value && lsnOrNull(value[field]) === null,
  );
  const texts = ['conn_url', 'api_url', 'state', 'role'].filter(
    (field) => field in value && typeof value[field] !== 'string',
  );
  return [...texts, ...lsns, ...('tags' in value && !isObject(value.tags) ? ['tags'] : [])];
}

function readReasons(value: unknown): Member['pendingRestartReason'] {
  if (!isObject(value)) return null;
  const reasons = Object.entries(value).flatMap(([name, change]) =>
    isObject(change)
      ? [[name, { oldValue: asText(change.old_value ?? ''), newValue: asText(change.new_value ?? '') }] as const]
      : [],
  );
  return Object.fromEntries(reasons);
}

function writeReasons(reasons: Member['pendingRestartReason']): JsonObject | undefined {
  if (reasons === null) return undefined;
  return Object.fromEntries(
    Object.entries(reasons).map(([name, { oldValue, newValue }]) => [
      name,
      { old_value: oldValue, new_value: newValue },
    ]),
  );
}

/** The form before JSON: `postgres://host:port/db?application_name=http://host:8008/patroni`. */
function readAncient(text: string): JsonObject | null {
  if (!text.startsWith('postgres')) return null;
  const [connUrl = '', query = ''] = text.split('?', 2);
  const apiUrl = new URLSearchParams(query).get('application_name');
  return { conn_url: connUrl, ...(apiUrl === null ? {} : { api_url: apiUrl }) };
}

function lsnOrNull(value: unknown): Lsn | null {
  const bytes = naturalOrNull(value);
  return bytes === null ? null : lsnOf(bytes);
}

function timelineOrNull(value: unknown): Timeline | null {
  const number = naturalOrNull(value);
  return number === null || number === 0n || number > 0xffffffffn ? null : timeline(Number(number));
}
