import { isListed } from '../codec/rest/sync.ts';
import type { Cluster, Member } from '../model/cluster.ts';
import { needField } from '../model/need.ts';
import { type Lsn, lsnOf, lsnText } from '../model/units.ts';
import { type ClusterFacts, factsOf } from './facts.ts';
import { asJson, type Json } from './text.ts';

/** One member as tables show it. Empty text: nothing to show. */
export interface MemberRow {
  readonly member: Member;
  readonly host: string;
  /** Patroni's word: leader, standby_leader, sync_standby, quorum_standby, replica. */
  readonly role: string;
  readonly state: string;
  readonly timeline: number | null;
  readonly receive: Position;
  readonly replay: Position;
  readonly pendingRestart: boolean;
  /** `max_connections: 40->50` */
  readonly reasons: readonly string[];
  readonly scheduledRestart: string;
  readonly tags: { readonly [name: string]: Json } | null;
  /** What only people can do for it. */
  readonly need: string;
}

export interface Position {
  readonly lsn: string;
  readonly lagMib: number | null;
}

export function memberRows(cluster: Cluster): readonly MemberRow[] {
  const facts = factsOf(cluster);
  const members = [...cluster.members].sort((a, b) => (a.name < b.name ? -1 : 1));
  const hosts = members.map(({ host }) => host);
  const withPort = members.some(({ port }) => port !== null && port !== 5432) || new Set(hosts).size < hosts.length;
  return members.map((member) => {
    const role = roleOf(member, cluster, facts);
    const holder = member.name === facts.leader;
    return {
      member,
      host: member.host === null ? '' : withPort ? `${member.host}:${member.port ?? 5432}` : member.host,
      role,
      state: (role === 'leader' ? null : member.replicationState) ?? member.state,
      timeline: member.timeline,
      ...(holder ? { receive: nothing, replay: nothing } : positionsOf(member, cluster)),
      pendingRestart: member.pendingRestart,
      reasons: Object.entries(member.pendingRestartReason ?? {}).map(
        ([name, { oldValue, newValue }]) => `${name}: ${oldValue}->${newValue}`,
      ),
      scheduledRestart: scheduledRestartOf(member),
      tags: Object.keys(member.tags).length === 0 ? null : tagsOf(member),
      need: typeof member.other[needField] === 'string' ? member.other[needField] : '',
    };
  });
}

export function roleOf(member: Member, cluster: Cluster, facts: ClusterFacts): string {
  if (member.name === facts.leader) return facts.standbyCluster ? 'standby_leader' : 'leader';
  if (facts.synchronous === 'off') return 'replica';
  if (!isListed(cluster.sync, member.name)) return 'replica';
  return facts.synchronous === 'quorum' ? 'quorum_standby' : 'sync_standby';
}

const nothing: Position = { lsn: '', lagMib: null };
const unknown: Position = { lsn: 'unknown', lagMib: null };

function positionsOf(member: Member, cluster: Cluster): { readonly receive: Position; readonly replay: Position } {
  const optime = cluster.status?.optime ?? lsnOf(0n);
  const receive = positionOf(member.receiveLsn, optime);
  const replay = positionOf(member.replayLsn, optime);
  if (receive !== unknown || replay !== unknown) return { receive, replay };
  // Members of before 4.1 publish one position only.
  const only = positionOf(member.xlogLocation, optime);
  return member.replicationState === 'streaming' ? { receive: only, replay } : { receive, replay: only };
}

function positionOf(lsn: Lsn | null, optime: Lsn): Position {
  if (lsn === null || lsn === 0n) return unknown;
  const lagBytes = optime > lsn ? Number(optime - lsn) : 0;
  return { lsn: lsnText(lsn), lagMib: roundedHalfToEven(lagBytes / 1_048_576) };
}

export function roundedHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function scheduledRestartOf({ scheduledRestart }: Member): string {
  if (scheduledRestart === null || typeof scheduledRestart.schedule !== 'string') return '';
  const version = scheduledRestart.postgres_version;
  return `${scheduledRestart.schedule}${typeof version === 'string' && version !== '' ? ` if version < ${version}` : ''}`;
}

const tagsOf = ({ tags }: Member): { readonly [name: string]: Json } =>
  Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, asJson(value)]));
