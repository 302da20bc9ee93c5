import type { Cluster, Member } from '../../model/cluster.ts';
import { revision } from '../../model/units.ts';
import type { Leading } from './leading.ts';
import type { Life, PeerParts } from './life.ts';
import type { Running, Upstream } from './server.ts';

const uncleanStates: ReadonlySet<string> = new Set(['in production', 'shutting down', 'in crash recovery']);

/** What a Patroni does without the lock: races for it, follows whoever has it, and brings its own server up again. */
export function makeFollowing(parts: PeerParts, life: Life, leading: Leading) {
  const { world, settings, keys, view, session, server, rejoin, election, dynamic, trace } = parts;
  const { clock } = world;

  async function withoutLeader(cluster: Cluster, running: Running): Promise<void> {
    if (!running.inRecovery) {
      if (running.timeline < (cluster.clusterTimeline ?? 0)) return life.demoteAtOnce('the cluster went on', false);
      if (await session.acquire()) life.leaderUntilMs = clock.now() + dynamic().ttlMs;
      else if (!dynamic().pause) await life.demoteAtOnce('another took the lock', false);
      return;
    }
    if (await election.mayLead(cluster, life.before, running)) {
      trace(`takes the lock at ${running.position.toString(16)}`);
      if (!(await session.acquire())) return;
      life.leaderUntilMs = clock.now() + dynamic().ttlMs;
      await session.write(keys.failover, '{}');
      return leading.promote();
    }
    if (dynamic().pause) return;
    if (running.conninfo.host !== undefined) await server.follow(null);
    if (cluster.failover !== null) {
      life.mustCheck = true;
      await clock.sleep(2000);
    }
  }

  async function asFollower(cluster: Cluster, running: Running): Promise<void> {
    if (!running.inRecovery) {
      if (!dynamic().pause) await life.demoteAtOnce(`${cluster.leader?.name} holds the lock`, false);
      return;
    }
    if (life.role === 'promoted') life.role = 'replica';
    const leader = life.leaderMember(cluster);
    const upstream = life.upstreamOf(leader);
    const same = running.conninfo.host === upstream?.host && (running.conninfo.port ?? '5432') === portOf(upstream);
    if (!same) {
      life.mustCheck = true;
      await server.follow(upstream);
    } else if (leader?.timeline != null && running.timeline < leader.timeline) life.mustCheck = true;
    if (leader !== null && life.mustCheck) await checkHistory(leader);
  }
  const portOf = (upstream: Upstream | null): string => String(upstream?.port ?? 5432);

  /** True: a rewind was begun, or must be waited for. */
  async function checkHistory(leader: Member): Promise<boolean> {
    if (leader.role !== 'primary') return false;
    const needed = await rejoin.needsRewind(leader);
    if (needed === null) return false;
    if (!needed) {
      life.mustCheck = false;
      return false;
    }
    if (leader.checkpointAfterPromote === false) return true;
    life.background('rewinds', async () => {
      if (await rejoin.rewind(leader)) life.mustCheck = false;
      life.seenRunning = false;
    });
    return true;
  }

  // ---- PostgreSQL does not run, or has no data

  async function recover(cluster: Cluster): Promise<void> {
    const crashed = life.seenRunning;
    const held = life.leads(cluster) && (await life.renewed());
    const limitMs = held ? dynamic().primaryStartTimeoutMs : null;
    if (limitMs === 0 && (await election.possible(cluster, null))) return life.demoteAtOnce('it crashed', true);
    const control = await server.control();
    if (control === null) return;
    const isOfPrimary = uncleanStates.has(control.state) || control.state === 'shut down';
    const standby = (await world.files.stat(`${settings.dataDir}/standby.signal`)).kind === 'file';
    if (limitMs !== null && limitMs > 0 && isOfPrimary && crashed && life.role === 'primary' && !standby)
      return life.background('starts the primary after a failure', async () => {
        life.recovering = true;
        await server.start('primary', null);
      });
    const labelled = (await world.files.stat(`${settings.dataDir}/backup_label`)).kind === 'file';
    if (uncleanStates.has(control.state) && !labelled && !life.recoveredAlone) {
      life.recoveredAlone = true;
      return life.background('recovers alone', () => rejoin.recoverAlone());
    }
    const now = await view.cluster(dynamic().retryTimeoutMs);
    const leader = life.leaderMember(now);
    if (!life.leads(now) && leader !== null && life.mustCheck && (await checkHistory(leader))) return;
    life.background('starts as a standby', async () => {
      life.recovering = true;
      // Whatever it was promoted to before is over with that server.
      if (life.role === 'promoted') life.role = 'replica';
      await server.start('standby', life.leads(now) ? null : life.upstreamOf(leader));
    });
  }

  async function withoutData(cluster: Cluster): Promise<void> {
    life.role = 'uninitialized';
    life.systemId = null;
    life.seenRunning = false;
    if (life.leads(cluster)) {
      await session.release();
      return;
    }
    if (dynamic().pause) return;
    const leader = life.leaderMember(cluster);
    if (leader !== null)
      return life.background('clones', async () => {
        if (!(await rejoin.clone(leader))) return;
        life.mustCheck = false;
        const now = await view.cluster(dynamic().retryTimeoutMs);
        await server.start('standby', life.upstreamOf(life.leaderMember(now)));
      });
    if (cluster.leader !== null || cluster.initialize.kind !== 'absent') return;
    const first = [{ target: 'create', key: keys.initialize, equals: revision(0n) }] as const;
    if (!(await session.write(keys.initialize, '', first))) return;
    life.bootstrapping = true;
    life.background('bootstraps', async () => {
      await rejoin.initdb();
      await server.start('primary', null);
    });
  }

  /** The server of a bootstrap is there: the cluster is told who it is, and the lock is taken without asking. */
  async function afterBootstrap(): Promise<void> {
    const { looked, systemId } = life;
    if (looked.kind === 'starting' || looked.kind === 'silent') return;
    life.bootstrapping = false;
    if (looked.kind !== 'running' || systemId === null) {
      await session.erase(keys.initialize);
      await server.stop('immediate');
      await rejoin.clear();
      return parts.exit(1, 'bootstrap failed');
    }
    await session.write(keys.initialize, systemId);
    await session.write(keys.config, dynamic().text);
    await session.take();
    life.role = 'primary';
    parts.wake();
  }

  return { withoutLeader, asFollower, recover, withoutData, afterBootstrap };
}
