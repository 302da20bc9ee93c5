import { runOnce } from '../../agent/postgres/sessions.ts';
import { identifySystem, inRecovery, timelineHistory } from '../../agent/postgres/statements.ts';
import { writeConninfo } from '../../codec/postgres/conninfo.ts';
import { readHistoryFile } from '../../codec/postgres/historyFile.ts';
import { endOfShutdownCheckpoint } from '../../codec/postgres/waldump.ts';
import type { Member } from '../../model/cluster.ts';
import type { ControlData } from '../../model/postgres.ts';
import { type Lsn, lsnOf, lsnText } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import type { Server } from './server.ts';
import type { PeerSettings } from './settings.ts';

export type Rejoin = ReturnType<typeof makeRejoin>;

interface Mine {
  readonly timeline: number;
  readonly at: Lsn;
  readonly recovering: boolean;
}

/** What becomes of a data directory when another leads: is it on the leader's way, and if not, how it gets back there. */
export function makeRejoin(world: World, settings: PeerSettings, server: Server, trace: (text: string) => void) {
  const { clock, files, processes } = world;
  const { dataDir, binDir } = settings;
  const limitMs = 3000;

  async function ask(leader: Member, replication: boolean, statement: Parameters<typeof runOnce>[2][number]) {
    const target = server.target(leader.host ?? '', leader.port ?? 5432, replication);
    const answer = await runOnce(world.sql, target, [statement], limitMs);
    return answer.kind === 'rows' ? (answer.rows[0] ?? null) : null;
  }

  async function whereIAm(): Promise<Mine | null> {
    const looked = await server.look();
    if (looked.kind === 'running') {
      const timeline = await server.ownTimeline();
      if (!looked.inRecovery || timeline === 0) return null;
      return { timeline, at: lsnOf(looked.replayedLsn), recovering: true };
    }
    const control = looked.kind === 'stopped' ? await server.control() : null;
    return control === null ? null : fromControl(control);
  }

  async function needsRewind(leader: Member): Promise<boolean | null> {
    const mine = await whereIAm();
    if (mine === null) return null;
    if ((await ask(leader, false, inRecovery))?.in_recovery !== 'f') return null;
    const theirs = Number((await ask(leader, true, identifySystem))?.timeline ?? 0);
    if (theirs === 0) return null;
    if (mine.timeline > theirs) return true;
    if (mine.timeline === theirs) return false;
    const told = await ask(leader, true, timelineHistory(theirs));
    if (told === null) return null;
    const fork = readHistoryFile(told.content ?? '').find((line) => line.timeline === mine.timeline)?.end;
    if (fork === undefined) return true;
    if (mine.recovering) return mine.at > fork;
    if (mine.at >= fork) return true;
    return (await endOfLast(mine)) !== fork;
  }

  /** Where my shutdown checkpoint ends; null: not understood, which counts as diverged. */
  async function endOfLast({ timeline, at }: Mine): Promise<Lsn | null> {
    const args = ['-p', `${dataDir}/pg_wal`, '-t', String(timeline), '-s', lsnText(at), '-n', '2'];
    const dumped = await processes.run({ program: `${binDir}/pg_waldump`, args }, 10_000);
    return dumped.kind === 'exited' ? endOfShutdownCheckpoint(dumped.stdout, dumped.stderr, at) : null;
  }

  async function clear(): Promise<void> {
    await files.remove(`${dataDir}/base`);
    await files.remove(dataDir);
  }
  const sourceOf = (leader: Member, user: string): string =>
    writeConninfo([
      ['user', user],
      ['host', leader.host ?? ''],
      ['port', String(leader.port ?? 5432)],
      ['dbname', 'postgres'],
    ]);

  return {
    needsRewind,
    clear,
    /** False: it failed, and the next cycle looks again. */
    async rewind(leader: Member): Promise<boolean> {
      await server.stop('fast');
      if ((await ask(leader, false, inRecovery))?.in_recovery !== 'f') return false;
      trace(`runs pg_rewind from ${leader.name}`);
      const args = ['-D', dataDir, '--source-server', sourceOf(leader, 'postgres')];
      const ended = await processes.run({ program: `${binDir}/pg_rewind`, args }, 86_400_000);
      return ended.kind === 'exited' && ended.code === 0;
    },
    /** pg_rewind wants a clean end: a crashed primary recovers alone first. */
    async recoverAlone(): Promise<void> {
      await files.remove(`${dataDir}/standby.signal`);
      trace('recovers in single-user mode');
      await processes.run({ program: `${binDir}/postgres`, args: ['--single', '-D', dataDir] }, 86_400_000);
    },
    /** Two attempts, each into an empty directory. */
    async clone(from: Member): Promise<boolean> {
      for (let tries = 0; tries < 2; tries += 1) {
        if (tries > 0) await clock.sleep(5000);
        await clear();
        trace(`clones from ${from.name}`);
        const args = ['--pgdata', dataDir, '-X', 'stream', '--dbname', sourceOf(from, 'replicator')];
        const ended = await processes.run({ program: `${binDir}/pg_basebackup`, args }, 86_400_000);
        if (ended.kind === 'exited' && ended.code === 0) return true;
      }
      await clear();
      return false;
    },
    initdb: () => processes.run({ program: `${binDir}/initdb`, args: ['-D', dataDir, '--data-checksums'] }, 60_000),
  };
}

function fromControl(control: ControlData): Mine | null {
  const { state, timeline, checkpoint, minRecoveryEnd, minRecoveryEndTimeline } = control;
  if ((state === 'shut down in recovery' || state === 'in archive recovery') && minRecoveryEnd > 0n)
    return { timeline: minRecoveryEndTimeline, at: minRecoveryEnd, recovering: true };
  return state === 'shut down' || state === 'shut down in recovery'
    ? { timeline, at: checkpoint, recovering: false }
    : null;
}
