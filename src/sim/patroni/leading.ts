import { writeHistory } from '../../codec/dcs/history.ts';
import { readHistoryFile } from '../../codec/postgres/historyFile.ts';
import type { Cluster } from '../../model/cluster.ts';
import { checkpointPending, leaderStatus } from './documents.ts';
import type { Life, PeerParts } from './life.ts';
import type { Running } from './server.ts';

export type Leading = ReturnType<typeof makeLeading>;

/** What a Patroni does with the lock: promotes, renews, writes down what is, and gives it away when it is asked to. */
export function makeLeading(parts: PeerParts, life: Life) {
  const { world, settings, keys, view, session, server, election, dynamic } = parts;
  const { clock } = world;
  const { name } = settings;
  let lastStatus = '';
  let checkpointing = false;

  function promote(): void {
    life.background('promotes', async () => {
      life.mustCheck = false;
      if (!(await server.promote())) return;
      life.role = 'promoted';
      const endMs = clock.now() + dynamic().loopWaitMs;
      while (clock.now() < endMs) {
        if ((await server.control())?.state === 'in production') {
          life.role = 'primary';
          return;
        }
        await clock.sleep(1000);
      }
    });
  }

  async function asLeader(cluster: Cluster, running: Running): Promise<void> {
    if (dynamic().pause && running.inRecovery) {
      if (cluster.failover?.candidate === name) return;
      await session.release(); // the operator demoted me
      return;
    }
    if (!(await life.renewed())) {
      if (!running.inRecovery && !dynamic().pause) await life.demoteAtOnce('the lock is lost', false);
      return;
    }
    if (running.inRecovery) {
      if (life.role !== 'promoted') promote();
      return;
    }
    life.role = 'primary';
    const text = leaderStatus(running.position, running.slots, settings);
    if (text !== lastStatus) await session.write(keys.status, text);
    lastStatus = text;
    if (await handsOver(cluster)) return;
    if (checkpointPending(running) && !checkpointing) {
      checkpointing = true;
      void server.checkpoint().then(() => {
        checkpointing = false;
        parts.wake();
      });
    }
    await writeHistoryOf(cluster, running.timeline);
  }

  async function writeHistoryOf(cluster: Cluster, timeline: number): Promise<void> {
    const known = cluster.history?.lines ?? [];
    if (timeline === 1 || known.at(-1)?.timeline === timeline - 1) return;
    const lines = readHistoryFile((await server.historyText(timeline)) ?? '');
    if (lines.length === 0) return;
    const written = lines.map((line, index) => {
      const old = known.find((one) => one.timeline === line.timeline && one.end === line.end);
      const newest = index === lines.length - 1;
      const at = newest ? new Date(clock.wall()).toISOString().replace('Z', '000+00:00') : (old?.at ?? null);
      return { ...line, at, newLeader: newest ? name : (old?.newLeader ?? null) };
    });
    await session.write(keys.history, writeHistory(written));
  }

  /** What the failover key asks of the one that leads. True: it gives the lock away. */
  async function handsOver(cluster: Cluster): Promise<boolean> {
    const { failover } = cluster;
    if (failover === null) return false;
    const clear = (): Promise<boolean> =>
      session.write(keys.failover, '{}', [{ target: 'mod', key: keys.failover, equals: failover.modRevision }]);
    const inMs = failover.scheduledAt === null ? 0 : failover.scheduledAt - clock.wall();
    if (failover.scheduledAt !== null && (dynamic().pause || inMs > dynamic().loopWaitMs)) return false;
    const stale = inMs < -1.5 * dynamic().loopWaitMs;
    const wrong = failover.leader !== null && failover.leader !== name;
    const nobody = dynamic().pause && failover.candidate === null;
    if (stale || wrong || nobody || failover.problem !== null || failover.candidate === name) {
      await clear();
      return false;
    }
    if (inMs > 0) await clock.sleep(inMs);
    if (!(await election.possible(cluster, failover.candidate))) {
      await clear();
      return false;
    }
    life.background('demotes itself', () => demoteGracefully(failover.candidate));
    return true;
  }

  async function demoteGracefully(candidate: string | null): Promise<void> {
    life.mustCheck = true;
    await server.checkpoint();
    await stopAndRelease(candidate);
    await clock.sleep(2000);
  }

  /** The lock goes early, once somebody has the shutdown checkpoint; else when the server has ended. */
  async function stopAndRelease(candidate: string | null): Promise<void> {
    let released = false;
    let optime: bigint | null = null;
    await server.stop('fast', async (at) => {
      optime = at;
      await clock.sleep(1000);
      const cluster = await view.cluster(dynamic().retryTimeoutMs);
      if (!life.leads(cluster) || !(await election.possible(cluster, candidate, at))) return;
      life.role = 'demoted';
      await releaseAt(at);
      released = true;
    });
    life.role = 'demoted';
    life.seenRunning = false;
    if (!released) await releaseAt(optime);
  }

  async function releaseAt(optime: bigint | null): Promise<void> {
    life.leaderUntilMs = 0;
    if (optime !== null && life.leads(await view.cluster(dynamic().retryTimeoutMs)))
      await session.write(keys.status, leaderStatus(optime, new Map(), settings));
    await session.release();
  }
  return { asLeader, promote, stopAndRelease };
}
