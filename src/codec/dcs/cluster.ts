import type { Cluster, LeaderKey, Member, Versioned } from '../../model/cluster.ts';
import type { FailsafeMap } from '../../model/failsafe.ts';
import { type Revision, type Timeline, term, timeline } from '../../model/units.ts';
import type { EtcdKeyValue } from '../../model/world.ts';
import { readFailover } from './failover.ts';
import { readFailsafe } from './failsafe.ts';
import { readHistory } from './history.ts';
import { readInitialize } from './initialize.ts';
import { isObject, parseJson } from './json.ts';
import { type KeyKind, kindOfKey } from './keys.ts';
import { readMember } from './members.ts';
import { readStatus } from './status.ts';
import { readSync } from './sync.ts';

/** What one read of the whole prefix says. Never fails: what cannot be read is named in `garbage` and is otherwise absent. */
export function readCluster(kvs: readonly EtcdKeyValue[], revision: Revision, prefix: string): Cluster {
  const found = new Map<KeyKind, EtcdKeyValue>();
  const members: Member[] = [];
  const garbage: Garbage = [];
  for (const kv of kvs) {
    const { kind, member: name } = kindOfKey(kv.key, prefix);
    found.set(kind, kv);
    if (name === null) continue;
    const { member, problem } = readMember(name, kv.value);
    members.push({ ...member, modRevision: kv.modRevision, lease: kv.lease });
    if (problem !== null) garbage.push({ key: kv.key, why: problem });
  }

  /** The key's content with its revision; null when the key is absent or cannot be read. */
  function read<T extends object>(kind: KeyKind, reader: (text: string) => T | null, wanted: string) {
    const kv = found.get(kind);
    if (kv === undefined) return null;
    const value = reader(kv.value);
    if (value !== null) return { ...value, modRevision: kv.modRevision };
    garbage.push({ key: kv.key, why: wanted });
    return null;
  }

  const initialize = readInitialize(found.get('initialize'), found.get('initializing'));
  if (initialize.kind === 'invalid') garbage.push({ key: `${prefix}initialize`, why: 'no system identifier' });
  const config = found.get('config');
  if (config !== undefined && !isObject(parseJson(config.value))) garbage.push({ key: config.key, why: notObject });
  const history = read('history', linesOf, 'no list of timelines');
  return {
    revision,
    initialize,
    leader: leaderOf(found.get('leader')),
    members: members.sort((a, b) => (a.name < b.name ? -1 : 1)),
    status: read(found.has('status') ? 'status' : 'optime', readStatus, notObject),
    failover: failoverOf(found.get('failover'), garbage),
    history,
    clusterTimeline: history === null ? null : timelineAfter(history.lines),
    announced: announcedOf(found.get('timeline'), garbage),
    unfenced: found.get('unfenced')?.value || null,
    config: config === undefined ? null : versioned(config),
    sync: read('sync', readSync, 'no JSON object with a leader'),
    failsafe: read('failsafe', mapOf, notObject),
    garbage,
  };
}

/** Whether anything can be read in this key of the cluster. */
export const isReadable = (kv: EtcdKeyValue, prefix: string): boolean =>
  readCluster([kv], kv.modRevision, prefix).garbage.length === 0;

const notObject = 'no JSON object';

type Garbage = { key: string; why: string }[];

const leaderOf = (kv: EtcdKeyValue | undefined): LeaderKey | null =>
  kv === undefined
    ? null
    : { name: kv.value, term: term(kv.createRevision), lease: kv.lease, modRevision: kv.modRevision };

const versioned = ({ value, createRevision, modRevision, lease }: EtcdKeyValue): Versioned => ({
  text: value,
  createRevision,
  modRevision,
  lease,
});

function failoverOf(kv: EtcdKeyValue | undefined, garbage: Garbage): Cluster['failover'] {
  const request = kv === undefined ? null : readFailover(kv.value);
  if (kv === undefined || request === null) return null;
  if (request.problem !== null) garbage.push({ key: kv.key, why: request.problem });
  return { ...request, modRevision: kv.modRevision };
}

function mapOf(text: string): { readonly members: FailsafeMap } | null {
  const members = readFailsafe(text);
  return members === null ? null : { members };
}

function announcedOf(kv: EtcdKeyValue | undefined, garbage: Garbage): Cluster['announced'] {
  if (kv === undefined) return null;
  const number = /^[1-9]\d{0,9}$/.test(kv.value) ? Number(kv.value) : null;
  if (number === null) garbage.push({ key: kv.key, why: 'no number of a timeline' });
  return number === null ? null : { timeline: timeline(number), modRevision: kv.modRevision };
}

function linesOf(text: string): { readonly lines: NonNullable<ReturnType<typeof readHistory>> } | null {
  const lines = readHistory(text);
  return lines === null ? null : { lines };
}

/** The cluster's timeline is one past the last that ended. */
function timelineAfter(lines: readonly { readonly timeline: Timeline }[]): Timeline {
  return timeline((lines.at(-1)?.timeline ?? 0) + 1);
}
