import { draw, type Instance, spawnChild, updateControl } from './instance.ts';
import { writePid } from './pidFile.ts';
import { checkpoint, flushed, write } from './primary.ts';
import { branch, historyName, historyText } from './wal.ts';

/** A standby that found the promote file: ends recovery on a timeline of its own. `toldMs`: when the signal was sent. */
export function promote(instance: Instance, toldMs: number): void {
  const { dir, wal, postmaster, world } = instance;
  // A primary does not look for the file; the next start removes it.
  if (!instance.inRecovery || instance.phase !== 'ready') return;
  dir.remove('promote');
  instance.toldToPromoteMs = toldMs;
  instance.receiver?.stop();
  const startup = spawnChild(instance, 'startup');
  startup.after(draw(world, world.tuning.promoteMs), () => {
    if (instance.phase !== 'ready' || !instance.inRecovery) return;
    instance.replayed = wal.flushed;
    const old = dir.control()?.timeline ?? wal.timeline;
    // The streams of its own standbys end here: they ask again, and fetch the history first.
    for (const sender of [...instance.senders]) sender.process.exit(0);
    branch(wal, newestKnown(instance) + 1);
    world.begun.push({ node: instance.machine.name, timeline: wal.timeline });
    dir.put(`pg_wal/${historyName(wal.timeline)}`, historyText(wal.history));
    write(instance, startup, { kind: 'endOfRecovery' }, (end) => {
      dir.remove('standby.signal');
      dir.sync('standby.signal');
      instance.inRecovery = false;
      instance.checkpointPending = old !== wal.timeline;
      // Until its checkpoint a crash would have to recover to here.
      updateControl(instance, { state: 'in production', minRecoveryEnd: end, minRecoveryEndTimeline: wal.timeline });
      writePid(instance, 'ready');
      world.trace(instance.machine.name, `postgres promoted to timeline ${wal.timeline}`);
      flushed(instance, wal.end);
      checkpoint(instance, postmaster, () => {});
      startup.exit(0);
    });
  });
}

/** PostgreSQL counts on from its own timeline for as long as it finds a history file of the next. */
export function newestKnown(instance: Instance): number {
  const names = new Set(instance.machine.disk.names(`${instance.dir.path}/pg_wal`) ?? []);
  let newest = instance.wal.timeline;
  while (names.has(historyName(newest + 1))) newest++;
  return newest;
}
