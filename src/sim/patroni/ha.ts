import type { Cluster, Member } from '../../model/cluster.ts';
import { slotNameOf } from '../../model/slotName.ts';
import { memberText, type Self } from './documents.ts';
import { DcsError } from './etcd.ts';
import { makeFollowing } from './following.ts';
import { makeLeading } from './leading.ts';
import { makeLife, type PeerParts } from './life.ts';
import { dynamicOf } from './settings.ts';

export type Ha = ReturnType<typeof makeHa>;

/** One Patroni member's control loop: each cycle reads the view once, looks at PostgreSQL once, and does one thing. */
export function makeHa(parts: PeerParts) {
  const { world, settings, keys, view, session, server, rejoin, election, dynamic, trace } = parts;
  const { clock } = world;
  const { name } = settings;
  const life = makeLife(parts);
  const leading = makeLeading(parts, life);
  const following = makeFollowing(parts, life, leading);
  /** This run of it has once got as far as to look at its data. */
  let startedOnce = false;
  let startingSinceMs: number | null = null;

  const self = (): Self => {
    const { role, looked, systemId, busy } = life;
    return { state: stateText(), role, looked, pause: dynamic().pause, systemId, busy: busy !== null };
  };
  function stateText(): string {
    if (life.busy === 'clones') return 'creating replica';
    if (life.busy === 'bootstraps') return 'initializing new cluster';
    if (life.looked.kind === 'running' || life.looked.kind === 'silent') return 'running';
    if (life.looked.kind === 'starting') return 'starting';
    return life.looked.kind === 'stopped' && life.seenRunning ? 'crashed' : 'stopped';
  }

  async function cycle(): Promise<void> {
    try {
      const cluster = await view.cluster(dynamic().retryTimeoutMs);
      await decide(cluster);
      if (!cluster.members.some((one) => one.name === name)) session.memberLost();
      await session.touch(memberText(self(), settings));
    } catch (error) {
      if (!(error instanceof DcsError)) throw error;
      await withoutStore(error.message);
    }
  }

  /** A primary ends, however long its fast stop takes; everything else goes on as it is. */
  async function withoutStore(why: string): Promise<void> {
    life.looked = await server.look();
    if (dynamic().pause || life.busy !== null || !life.isPrimary(life.looked)) return;
    trace(`the store is not accessible (${why}): demoted`);
    life.mustCheck = true;
    await server.stop('fast');
    life.leaderUntilMs = 0;
    life.role = 'demoted';
    await server.start('standby', null);
  }

  async function decide(cluster: Cluster): Promise<void> {
    if (cluster.leader !== null || life.before === null) life.before = cluster;
    if (!life.leads(cluster)) {
      life.leaderUntilMs = 0;
      session.leaderLost();
    }
    const given = dynamicOf(cluster.config);
    if (given !== null) parts.adopt(given);
    life.looked = await server.look();
    if (life.looked.kind === 'running') {
      life.seenRunning = true;
      life.recoveredAlone = false;
      if (life.busy === null && life.role !== 'promoted') life.role = life.looked.inRecovery ? 'replica' : 'primary';
      if (life.role === 'promoted' && !life.looked.inRecovery) life.role = 'primary';
    }
    if (life.looked.kind !== 'empty') life.systemId ??= (await server.control())?.systemId ?? null;
    if (life.leads(cluster) && cluster.initialize.kind !== 'done' && life.systemId !== null)
      await session.write(keys.initialize, life.systemId);
    if (life.leads(cluster) && given === null) await session.write(keys.config, dynamic().text);
    if (life.busy !== null) return whileBusy(cluster);
    if (life.looked.kind === 'starting') return whileStarting(cluster);
    startingSinceMs = null;
    if (life.bootstrapping) return following.afterBootstrap();
    if (life.recovering) {
      life.recovering = false;
      if (life.looked.kind === 'stopped') return startFailed(cluster);
    }
    if (life.looked.kind === 'empty') return following.withoutData(cluster);
    if (cluster.initialize.kind === 'done' && life.systemId !== null && cluster.initialize.systemId !== life.systemId) {
      if (!dynamic().pause) return parts.exit(1, 'system identifier mismatch');
      if (life.leads(cluster)) await session.release();
      return;
    }
    if (cluster.initialize.kind !== 'done' && cluster.leader === null && !dynamic().pause && !startedOnce) {
      if (life.looked.kind === 'running' && life.looked.inRecovery)
        return parts.exit(1, 'a standby cannot define the cluster');
      if (life.systemId !== null) await session.write(keys.initialize, life.systemId);
    }
    startedOnce = true;
    if (life.looked.kind === 'stopped') {
      if (!dynamic().pause) return following.recover(cluster);
      if (life.leads(cluster)) await session.release();
      return;
    }
    if (life.looked.kind === 'silent') {
      if (life.leads(cluster) && !(await life.renewed())) await life.demoteAtOnce('the lock is lost', false);
      else if (!life.leads(cluster) && life.isPrimary(life.looked) && !dynamic().pause)
        await life.demoteAtOnce('another may lead, and no query is answered', false);
      return;
    }
    if (cluster.leader === null) await following.withoutLeader(cluster, life.looked);
    else if (life.leads(cluster)) await leading.asLeader(cluster, life.looked);
    else await following.asFollower(cluster, life.looked);
    for (const member of cluster.members)
      if (member.name !== name && !life.looked.slots.has(slotNameOf(member.name)))
        await server.createSlot(slotNameOf(member.name));
  }

  async function whileBusy(cluster: Cluster): Promise<void> {
    const held = life.leads(cluster) && (await life.renewed());
    if (held || dynamic().pause || life.bootstrapping || life.role !== 'primary') return;
    await life.demoteAtOnce('the lock is lost', false);
  }

  async function whileStarting(cluster: Cluster): Promise<void> {
    startingSinceMs ??= clock.now();
    if (!life.leads(cluster)) return;
    if (!(await life.renewed())) return life.demoteAtOnce('the lock is lost', false);
    const late = clock.now() - startingSinceMs > dynamic().primaryStartTimeoutMs;
    if (late && (await election.possible(cluster, null))) await life.demoteAtOnce('it takes too long to start', true);
  }

  async function startFailed(cluster: Cluster): Promise<void> {
    trace('PostgreSQL failed to start');
    if (!life.leads(cluster)) return;
    life.role = 'demoted';
    await session.release();
  }

  return {
    cycle,
    leads: (): boolean => clock.now() < life.leaderUntilMs,
    /** As REST answers it: PostgreSQL is asked again. */
    async self(): Promise<Self> {
      const now = await server.look();
      return { ...self(), looked: now };
    },
    busy: (): string | null => life.busy,
    /** What SIGTERM does: in pause nothing is touched. */
    async shutDown(): Promise<void> {
      if (dynamic().pause) return;
      const wasPrimary = life.isPrimary(await server.look());
      try {
        if (wasPrimary) await leading.stopAndRelease(null);
        else await server.stop('fast');
        life.looked = { kind: 'stopped' };
        life.seenRunning = false;
        await session.touch(memberText(self(), settings));
      } catch (error) {
        if (!(error instanceof DcsError)) throw error;
        await server.stop('fast');
      }
    },
    /** POST /restart. */
    restart: () =>
      life.background('restarts', async () => {
        const wasPrimary = life.isPrimary(await server.look());
        await server.stop('fast');
        const cluster = await view.cluster(dynamic().retryTimeoutMs);
        const upstream = wasPrimary ? null : life.upstreamOf(life.leaderMember(cluster));
        await server.start(wasPrimary && life.leads(cluster) ? 'primary' : 'standby', upstream);
      }),
    /** POST /reinitialize: only below a leader. */
    reinitialize: (leader: Member) =>
      life.background('clones', async () => {
        await server.stop('immediate');
        if (await rejoin.clone(leader)) await server.start('standby', life.upstreamOf(leader));
      }),
  };
}
