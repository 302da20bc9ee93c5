import { checkpointAt, noMinimum } from './dataDir.ts';
import { draw, type Instance, updateControl } from './instance.ts';
import { writePid } from './pidFile.ts';
import { restartPoint, write } from './primary.ts';

/** TERM, INT and QUIT. Smart waits for clients; fast ends them; immediate leaves recovery to the next start. */
export function stop(instance: Instance, mode: 'smart' | 'fast' | 'immediate'): void {
  const { postmaster, dir, world } = instance;
  if (mode === 'immediate') {
    instance.phase = 'stopping';
    for (const child of [...instance.children]) child.signal('KILL');
    dir.remove('postmaster.pid');
    postmaster.exit(1);
    return;
  }
  const first = instance.phase !== 'stopping';
  if (first) {
    writePid(instance, 'stopping');
    world.trace(instance.machine.name, `postgres stops (${mode})`);
  }
  if (instance.phase === 'starting') {
    for (const child of [...instance.children]) child.signal('KILL');
    dir.remove('postmaster.pid');
    postmaster.exit(0);
    return;
  }
  instance.phase = 'stopping';
  if (mode === 'fast') for (const backend of backendsOf(instance)) backend.signal('KILL');
  if (first) proceedWhenAlone(instance);
}

const backendsOf = (instance: Instance) =>
  [...instance.children].filter((child) => child.commandLine().includes('client backend'));

function proceedWhenAlone(instance: Instance): void {
  const { postmaster, world } = instance;
  if (backendsOf(instance).length > 0) {
    postmaster.after(50, () => proceedWhenAlone(instance));
    return;
  }
  instance.receiver?.stop();
  postmaster.after(draw(world, world.tuning.stopMs), () => {
    if (instance.inRecovery) {
      restartPoint(instance);
      return finish(instance, 'shut down in recovery');
    }
    const start = instance.wal.end;
    write(instance, postmaster, { kind: 'shutdown' }, (end) => {
      updateControl(instance, { state: 'shut down', ...checkpointAt(instance.wal.timeline, start), ...noMinimum });
      waitForStandbys(instance, end);
    });
  });
}

/** A primary ends only when every standby that still streams has all of its WAL, the shutdown checkpoint included. */
function waitForStandbys(instance: Instance, end: bigint): void {
  for (const sender of [...instance.senders])
    if (sender.flushed !== null && sender.flushed >= end) sender.process.exit(0);
  if (instance.senders.size > 0) instance.postmaster.after(10, () => waitForStandbys(instance, end));
  else finish(instance, 'shut down');
}

function finish(instance: Instance, state: 'shut down' | 'shut down in recovery'): void {
  updateControl(instance, { state });
  for (const child of [...instance.children]) child.signal('KILL');
  instance.dir.remove('postmaster.pid');
  instance.postmaster.exit(0);
}
