import type { Member } from '../../model/cluster.ts';
import type { Action, MemberRecord } from '../../model/decision.ts';
import { needField } from '../../model/need.ts';
import type { Observation } from '../../model/observation.ts';
import { replicationStateOf } from '../../model/replicationState.ts';
import type { HostPort } from '../../model/settings.ts';
import { iAmLeader, lastRanAsPrimary } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** The version spoken outwardly: peers branch on it. */
export const spokenVersion = '4.1.4';

/** The member key: what the others, ctl and Patroni members know of this node. */
export function member(seen: Observation): Upkeep {
  if (seen.dcs.kind === 'unreachable') return { actions: [] };
  return { actions: [{ kind: 'publishMember', member: memberRecord(seen) }] };
}

export function memberRecord(seen: Observation): MemberRecord {
  const { local } = seen.settings;
  const { postgres } = seen;
  const running = postgres.kind === 'running' ? postgres : null;
  const primary = running?.role === 'primary' ? running : null;
  const standby = running?.role === 'standby' ? running : null;
  const pending = running?.pendingRestart ?? {};
  const hasPending = Object.keys(pending).length > 0;
  const scheduled = seen.memory.scheduledRestart;
  return {
    name: local.name,
    connUrl: `postgres://${address(local.postgres.connectAddress)}/${local.postgres.database}`,
    apiUrl: `${local.rest.tls === null ? 'http' : 'https'}://${address(local.rest.connectAddress)}/patroni`,
    proxyUrl:
      local.postgres.proxyAddress === null
        ? null
        : `postgres://${address(local.postgres.proxyAddress)}/${local.postgres.database}`,
    state: stateText(seen),
    role: roleText(seen),
    version: spokenVersion,
    checkpointAfterPromote: iAmLeader(seen) && (standby !== null || primary?.checkpointPending === true) ? false : null,
    tags: local.tags.published,
    pendingRestart: hasPending,
    pendingRestartReason: hasPending ? pending : null,
    xlogLocation: primary?.flushLsn ?? standby?.receivedLsn ?? null,
    replayLsn: standby?.replayedLsn ?? null,
    receiveLsn: standby?.receivedLsn ?? null,
    replicationState: standby === null ? null : replicationStateOf(standby, seen.settings.postgres),
    timeline: running?.timeline ?? null,
    scheduledRestart: scheduled === null ? null : scheduled.raw,
    pause: seen.settings.cluster.pause,
    other: { ...without(needField, seen.published?.other ?? {}), matriarch: 1 },
  };
}

const without = (field: string, fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field));

/** What people must do for this node stands in its key, so that every list of the members shows it. */
export const tellingNeed = (action: Action, need: string | null): Action =>
  action.kind !== 'publishMember' || need === null
    ? action
    : { ...action, member: { ...action.member, other: { ...action.member.other, [needField]: need } } };

const address = ({ host, port }: HostPort): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Patroni's state texts. */
export function stateText(seen: Observation): string {
  if (seen.jobs.kind === 'busy') {
    switch (seen.jobs.job.kind) {
      case 'bootstrap':
        return 'initializing new cluster';
      case 'clone':
        return 'creating replica';
      case 'restart':
      case 'copySlots':
        return 'restarting';
      case 'stop':
        return 'stopping';
      default:
        break;
    }
  }
  const last = seen.jobs.last;
  switch (seen.postgres.kind) {
    case 'running':
    case 'unresponsive':
      return 'running';
    case 'starting':
      return 'starting';
    case 'stopping':
      return 'stopping';
    case 'stopped':
      if (last?.ended === 'failed' && (last.job.kind === 'startPrimary' || last.job.kind === 'startStandby'))
        return 'start failed';
      // In pause nobody starts it again: it is as people left it, whatever ended it.
      return seen.postgres.crashed && !seen.settings.cluster.pause ? 'crashed' : 'stopped';
    case 'noData':
    case 'partialData':
    case 'unreadable':
      return 'stopped';
    default:
      return seen.postgres satisfies never;
  }
}

function roleText(seen: Observation): Member['role'] {
  const { postgres } = seen;
  switch (postgres.kind) {
    case 'running':
      return postgres.role === 'primary' ? (iAmLeader(seen) || seen.held !== null ? 'primary' : 'demoted') : 'replica';
    case 'noData':
    case 'partialData':
    case 'unreadable':
      return 'uninitialized';
    case 'stopped':
      return lastRanAsPrimary(postgres.control) && !postgres.standbySignal ? 'demoted' : 'replica';
    case 'starting':
      return postgres.standbySignal ? 'replica' : iAmLeader(seen) ? 'primary' : 'demoted';
    case 'stopping':
    case 'unresponsive':
      return postgres.believed === 'primary' ? (iAmLeader(seen) ? 'primary' : 'demoted') : 'replica';
    default:
      return postgres satisfies never;
  }
}
