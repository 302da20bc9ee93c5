import type { Cluster, Member } from '../../model/cluster.ts';
import { standbyClusterOf } from '../../model/standbyCluster.ts';
import { type Lsn, lsnText } from '../../model/units.ts';
import { isObject, parseJson } from '../dcs/json.ts';
import { writeSchedule } from '../dcs/schedule.ts';
import { isTrue } from './body.ts';
import { reasonsDocument } from './reasons.ts';
import { isListed } from './sync.ts';

interface Options {
  readonly pause: boolean;
  readonly synchronousMode: 'off' | 'on' | 'quorum';
  readonly standbyCluster: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** GET /cluster: what any node says of all, in Patroni's order. Fields that are undefined are not sent. */
export function writeClusterDocument(cluster: Cluster, scope: string): Fields {
  const options = optionsOf(cluster);
  const request = cluster.failover;
  const at = request?.scheduledAt ?? null;
  return {
    members: [...cluster.members]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((member) => memberDocument(member, cluster, options)),
    pause: options.pause || undefined,
    scheduled_switchover:
      request === null || at === null
        ? undefined
        : { at: writeSchedule(at), from: request.leader ?? undefined, to: request.candidate ?? undefined },
    scope,
  };
}

/** What the cluster's own configuration says of how to name things. */
function optionsOf({ config }: Cluster): Options {
  const value = parseJson(config?.text ?? '');
  const document = isObject(value) ? value : {};
  const { standby_cluster: standby, synchronous_mode: mode } = document;
  const standbyCluster = standbyClusterOf(standby) !== null;
  const synchronousMode = mode === 'quorum' ? 'quorum' : isTrue(mode) ? 'on' : 'off';
  return {
    pause: isTrue(document.pause),
    synchronousMode: standbyCluster ? 'off' : synchronousMode,
    standbyCluster,
  };
}

export const syncModeOf = (cluster: Cluster): Options['synchronousMode'] => optionsOf(cluster).synchronousMode;

function memberDocument(member: Member, cluster: Cluster, options: Options): Fields {
  const leads = cluster.leader?.name === member.name;
  const role = roleOf(member, cluster, options);
  return {
    name: member.name,
    role,
    state: role === 'leader' ? member.state : (member.replicationState ?? member.state),
    api_url: member.apiUrl,
    host: member.host ?? undefined,
    port: member.host === null ? undefined : (member.port ?? undefined),
    timeline: member.timeline ?? undefined,
    pending_restart: member.pendingRestart || undefined,
    pending_restart_reason:
      member.pendingRestartReason === null ? undefined : reasonsDocument(member.pendingRestartReason),
    scheduled_restart: member.scheduledRestart ?? undefined,
    tags: Object.keys(member.tags).length === 0 ? undefined : member.tags,
    ...(leads ? {} : lags(member, cluster)),
  };
}

function roleOf({ name }: Member, { leader, sync }: Cluster, options: Options): string {
  if (leader?.name === name) return options.standbyCluster ? 'standby_leader' : 'leader';
  if (options.synchronousMode === 'off' || !isListed(sync, name)) return 'replica';
  return options.synchronousMode === 'quorum' ? 'quorum_standby' : 'sync_standby';
}

export const roleInCluster = (member: Member, cluster: Cluster): string => roleOf(member, cluster, optionsOf(cluster));

/** Bytes behind the last known end of the log; null: unknown. */
export function lagOf({ xlogLocation }: Member, { status }: Cluster): bigint | null {
  const { lag } = behind(xlogLocation, status?.optime ?? null);
  return typeof lag === 'bigint' ? lag : null;
}

function lags(member: Member, { status }: Cluster): Fields {
  const optime = status?.optime ?? null;
  const receive = behind(member.receiveLsn, optime);
  const replay = behind(member.replayLsn, optime);
  const xlog = behind(member.xlogLocation, optime);
  return {
    receive_lag: receive.lag,
    receive_lsn: receive.lsn,
    replay_lag: replay.lag,
    replay_lsn: replay.lsn,
    lag: xlog.lag,
    lsn: xlog.lsn,
  };
}

function behind(at: Lsn | null, optime: Lsn | null): { readonly lag: bigint | string; readonly lsn: string } {
  if (at === null || at === 0n) return { lag: 'unknown', lsn: 'unknown' };
  const lag = (optime ?? 0n) - at;
  return { lag: lag > 0n ? lag : 0n, lsn: lsnText(at) };
}
