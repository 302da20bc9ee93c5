import type { Cluster, Member } from '../../model/cluster.ts';
import type { Memory, Observation } from '../../model/observation.ts';
import type { PeerReport } from '../../model/peers.ts';
import type { ControlData, RunningPrimary, RunningStandby } from '../../model/postgres.ts';
import { asText } from '../../model/scalars.ts';
import { type Lsn, pid, timeline, wallMs } from '../../model/units.ts';
import { blankMemory } from '../decide.ts';
import {
  controlOf,
  guardUsable,
  mayAcceptWrites,
  me,
  memberOf,
  myPosition,
  runningPrimary,
  runningStandby,
} from '../judge.ts';

/** What another member would see, made of what it says of itself. What it does not say is imagined to be in order. */

/** What a member tells of itself, this one included. */
export type Said = NonNullable<PeerReport['said']>;

/** A standby at work, by its own word; text: why it is none. */
export function standbyOf(seen: Observation, name: string): RunningStandby | string {
  if (name === me(seen)) {
    const mine = runningStandby(seen);
    if (mine !== null) return { ...mine, receiver: null, upstream: null, detached: true };
    return seen.postgres.kind === 'running' ? 'it runs as primary' : `its PostgreSQL is ${seen.postgres.kind}`;
  }
  const report = seen.peers.find((peer) => peer.name === name);
  const said = saidBy(seen, name);
  if (said === null)
    return report?.last.kind === 'silent' ? `its agent: ${report.last.why}` : 'its agent was not asked';
  if (said.runsAsPrimary) return 'it runs as primary';
  if (said.state !== 'running') return `its PostgreSQL is ${said.state}`;
  if (said.position === null) return 'it does not tell how far its WAL reaches';
  return imaginedStandby(seen, name, said, said.position);
}

/** Its word, unless it has none, or gave no answer when asked last. */
export function saidBy(seen: Observation, name: string): Said | null {
  const report = seen.peers.find((peer) => peer.name === name);
  if (report === undefined || report.said === null || report.last.kind === 'silent') return null;
  const position = furthestKnown(seen, name, report.said.position);
  return { ...report.said, hasWithdrawn: null, position };
}

/** The leader sees in the same moment how far each stream is: what a member said of itself may be older. */
function furthestKnown(seen: Observation, name: string, said: Lsn | null): Lsn | null {
  const flushed = runningPrimary(seen)?.senders.find((sender) => sender.applicationName === name)?.flushLsn ?? null;
  if (flushed === null || said === null) return said;
  return flushed > said ? flushed : said;
}

const imaginedStandby = (seen: Observation, name: string, said: Said, position: Lsn): RunningStandby => ({
  ...imaginedServer(seen, name, said, position),
  role: 'standby',
  receivedLsn: position,
  replayedLsn: position,
  replayedAt: null,
  replayPaused: false,
  receiver: null,
  upstream: null,
  detached: true,
});

/** The leader as a primary at work; null: it does not say that it is. */
export function primaryOf(seen: Observation, name: string): RunningPrimary | null {
  if (name === me(seen)) return runningPrimary(seen);
  const said = saidBy(seen, name);
  if (said?.runsAsPrimary !== true || said.position === null) return null;
  const server = imaginedServer(seen, name, said, said.position);
  return {
    ...server,
    role: 'primary',
    flushLsn: said.position,
    walFreeBytes: null,
    checkpointPending: false,
    synchronous: { names: '', written: '', inForce: true, oldestWaitMs: null },
  };
}

function imaginedServer(seen: Observation, name: string, said: Said, position: Lsn) {
  const cluster = seen.dcs.kind === 'reachable' ? seen.dcs.cluster : seen.dcs.lastSeen;
  const id = said.timeline ?? memberOf(cluster, name)?.timeline ?? cluster?.clusterTimeline ?? timeline(0);
  const identity = cluster?.initialize.kind === 'done' ? cluster.initialize.systemId : '';
  const control: ControlData = {
    systemId: said.systemId ?? identity,
    state: said.runsAsPrimary ? 'in production' : 'in archive recovery',
    timeline: id,
    checkpoint: position,
    redo: position,
    minRecoveryEnd: position,
    minRecoveryEndTimeline: id,
    checksums: true,
    walLogHints: true,
    version: 0,
    recorded: {},
  };
  return {
    kind: 'running',
    pid: pid(0),
    startedWallMs: wallMs(0),
    serverVersion: 150_000,
    timeline: id,
    slots: [],
    senders: [],
    pendingRestart: {},
    control,
  } as const;
}

/** What a member sees over this server of its own: mine as it is, another's made of its word. */
export function asSeenBy(seen: Observation, name: string, postgres: RunningStandby | RunningPrimary): Observation {
  const said = saidBy(seen, name);
  if (name === me(seen) || said === null) return { ...seen, postgres, held: null, asks: [] };
  const cluster = seen.dcs.kind === 'reachable' ? seen.dcs.cluster : seen.dcs.lastSeen;
  const { local } = seen.settings;
  const { nofailover, failoverPriority } = said;
  return {
    ...seen,
    settings: {
      ...seen.settings,
      local: { ...local, name, tags: { ...local.tags, nofailover, failoverPriority } },
    },
    postgres,
    health: null,
    held: null,
    guard: said.watchdogFailed ? { kind: 'absent', why: 'it says so' } : guardAtRest,
    jobs: { kind: 'idle', last: null },
    asks: [],
    name: { kind: 'free', asked: true },
    published: null,
    unapplied: false,
    localHistory: [],
    failsafe: { ...seen.failsafe, map: cluster?.failsafe?.members ?? null, askingSinceMs: null, last: null },
    memory: {
      ...blankMemory,
      clusterTimeline: seen.memory.clusterTimeline,
      systemId: seen.memory.systemId,
      lastRole: postgres.role,
      statusSeen: seen.memory.statusSeen ?? statusNow(seen, cluster),
      upstreamEnd:
        said.upstreamEnd === undefined || said.timeline === null
          ? null
          : {
              systemId: said.systemId ?? controlOf(postgres)?.systemId ?? '',
              timeline: said.timeline,
              lsn: said.upstreamEnd,
            },
      crashes: Array.from({ length: said.crashes ?? 0 }, () => seen.nowMs),
    },
  };
}

/** Who looks leads, and the others see what it wrote. */
const statusNow = ({ nowMs }: Observation, cluster: Cluster | null): Memory['statusSeen'] =>
  cluster?.status == null
    ? null
    : {
        modRevision: cluster.status.modRevision,
        optime: cluster.status.optime,
        sinceMs: nowMs,
        bytesPerS: null,
      };

const guardAtRest: Observation['guard'] = {
  kind: 'present',
  pid: null,
  armedMs: null,
  freezeGuard: null,
  device: 'unused',
};

/** What this member would answer the others; null: nothing. */
export function wordOf(seen: Observation, name: string): Said | null {
  if (name !== me(seen)) return saidBy(seen, name);
  const { tags } = seen.settings.local;
  const { postgres } = seen;
  const mine = myPosition(seen);
  return {
    state: postgres.kind,
    role: runningPrimary(seen) === null ? 'replica' : 'primary',
    runsAsPrimary: runningPrimary(seen) !== null,
    noPrimary: seen.held === null && !mayAcceptWrites(postgres),
    position: mine?.lsn ?? null,
    lookedAgoMs: 0,
    hasWithdrawn: null,
    timeline: mine?.timeline ?? null,
    nofailover: tags.nofailover,
    failoverPriority: tags.failoverPriority,
    watchdogFailed: !guardUsable(seen),
    systemId: controlOf(postgres)?.systemId ?? null,
    ...(seen.memory.crashes.length === 0 ? {} : { crashes: seen.memory.crashes.length }),
  };
}

/** How far the leader is, and whether that was seen together with the others. Null: nobody tells. */
export function leaderPosition(seen: Observation, cluster: Cluster | null): { at: Lsn; oneLook: boolean } | null {
  const name = cluster?.leader?.name ?? null;
  const own = runningPrimary(seen);
  if (name !== null && name === me(seen) && own !== null) return { at: own.flushLsn, oneLook: true };
  const said = name === null ? null : (saidBy(seen, name)?.position ?? null);
  const optime = cluster?.status?.optime ?? null;
  const at = said === null || (optime !== null && optime > said) ? optime : said;
  return at === null ? null : { at, oneLook: false };
}

/** Members by name, this one among them also while its key is not there. */
export function memberNames(seen: Observation, cluster: Cluster | null): readonly string[] {
  const names = new Set((cluster?.members ?? []).map(({ name }) => name));
  names.add(me(seen));
  if (cluster?.leader != null) names.add(cluster.leader.name);
  return [...names].sort();
}

/** What stands behind a word of a question: `etcd`, a member, or all members with such a tag (`zone=a`). Null: nothing. */
export function namedBy(word: string, members: readonly string[], keys: readonly Member[]): readonly string[] | null {
  if (members.includes(word)) return [word];
  if (word === 'etcd') return [word];
  const [tag = '', ...rest] = word.split('=');
  if (rest.length === 0) return null;
  const value = rest.join('=');
  const tagged = keys.filter(({ tags }) => tags[tag] !== undefined && asText(tags[tag]) === value);
  return tagged.length === 0 ? null : tagged.map(({ name }) => name);
}
