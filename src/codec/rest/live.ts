import type { Snapshot } from '../../model/agent.ts';
import type { Cluster, Member } from '../../model/cluster.ts';
import type { MachinePicture, MemberPicture, OwnPicture, Picture } from '../../model/live.ts';
import type { Observation } from '../../model/observation.ts';
import type { Rehearsal } from '../../model/rehearsal.ts';
import type { InstantMs } from '../../model/units.ts';
import { lsnText } from '../../model/units.ts';
import { lagOf, roleInCluster } from './cluster.ts';
import { outlookOf } from './outlook.ts';
import { guardText } from './status.ts';

export interface LiveContext {
  readonly scope: string;
  readonly name: string;
  readonly nowMs: InstantMs;
  readonly wallMs: number;
  readonly fenceDeadlineMs: InstantMs | null;
  /** Of the leader's death. */
  readonly rehearsal: Rehearsal | null;
}

/** What one agent knows: of itself at first hand, of the others what etcd tells. Null: it has not looked yet. */
export function agentPicture(snapshot: Snapshot | null, context: LiveContext): Picture {
  const { scope, name, nowMs, wallMs, rehearsal } = context;
  const seen = snapshot?.seen ?? null;
  const told = seen?.dcs.kind === 'reachable' ? seen.dcs.cluster : null;
  const known = told ?? (seen?.dcs.kind === 'unreachable' ? seen.dcs.lastSeen : null);
  const names = [...new Set([...(known?.members ?? []).map((member) => member.name), name])].sort();
  return {
    source: 'agent',
    scope,
    sinceWallMs: Math.round(seen === null ? wallMs : wallMs - (nowMs - seen.startedMs)),
    toldBy: told === null ? null : name,
    leader: told?.leader?.name ?? null,
    paused: seen?.settings.cluster.pause ?? false,
    outlook: told === null || rehearsal === null ? null : outlookOf(rehearsal),
    machines: names.map((one): MachinePicture => {
      const member = known?.members.find((candidate) => candidate.name === one) ?? null;
      return {
        name: one,
        address: member?.host ?? null,
        member: member === null || known === null ? null : memberPicture(member, known),
        own: one === name && snapshot !== null ? ownPicture(snapshot, context) : null,
        beside: null,
      };
    }),
    client: null,
  };
}

function memberPicture(member: Member, cluster: Cluster): MemberPicture {
  const leads = cluster.leader?.name === member.name;
  const lag = leads ? null : lagOf(member, cluster);
  return {
    role: roleInCluster(member, cluster),
    state: leads ? member.state : (member.replicationState ?? member.state),
    timeline: member.timeline,
    lagBytes: lag === null ? null : Number(lag),
  };
}

function ownPicture({ seen, decision }: Snapshot, context: LiveContext): OwnPicture {
  const { postgres, guard, jobs, dcs } = seen;
  const running = postgres.kind === 'running' ? postgres : null;
  const lsn = running === null ? null : running.role === 'primary' ? running.flushLsn : running.receivedLsn;
  return {
    postgres: running === null ? postgres.kind : `running ${running.role}`,
    timeline: running?.timeline ?? ('control' in postgres ? (postgres.control?.timeline ?? null) : null),
    lsn: lsn === null ? null : lsnText(lsn),
    lease: leaseOf(seen, context),
    guard: guardText(seen),
    freezeGuard: guard.kind === 'present' ? guard.freezeGuard : null,
    job: jobs.kind === 'busy' ? jobs.job.kind : null,
    etcdSilentBecause: dcs.kind === 'unreachable' ? dcs.why : null,
    rule: decision.rule,
    reason: decision.reason,
    because: decision.because,
  };
}

/** Read live: the snapshot may be older than the last renewal. */
function leaseOf({ held }: Observation, { fenceDeadlineMs, nowMs, wallMs }: LiveContext): OwnPicture['lease'] {
  if (held === null || fenceDeadlineMs === null) return null;
  return {
    endsWallMs: Math.round(wallMs + (fenceDeadlineMs - nowMs)),
    wholeMs: Math.round(held.deadlineMs - held.sentMs),
  };
}
