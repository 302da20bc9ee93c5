import { readSynchronousNames, type SynchronousRule, sameName } from '../../model/synchronousNames.ts';
import type { SimProcess } from '../process.ts';
import { checkpointAt, noMinimum } from './dataDir.ts';
import { draw, type Instance, updateControl } from './instance.ts';
import { append, lastCheckpoint, timelineOf, type WalChange } from './wal.ts';

const recordBytes = { write: 168, checkpoint: 120, shutdown: 120, endOfRecovery: 48, other: 64 } as const;

/** Appends, flushes, sends on; no waiting for standbys. `done` runs as `by`, with the record's end. */
export function write(instance: Instance, by: SimProcess, change: WalChange, done: (end: bigint) => void): void {
  const { end } = append(instance.wal, change, recordBytes[change.kind]);
  by.after(draw(instance.world, instance.world.tuning.fsyncMs) + instance.machine.fsyncMs, () => {
    flushed(instance, end);
    done(end);
  });
}

export function flushed(instance: Instance, upTo: bigint): void {
  if (upTo > instance.wal.flushed) instance.wal.flushed = upTo;
  for (const sender of instance.senders) sender.push();
}

/** A client's commit: acknowledged when it is flushed here, and on as many standbys as are asked for. */
export function commit(instance: Instance, by: SimProcess, change: WalChange, acknowledge: () => void): void {
  write(instance, by, change, (at) => {
    const waiter = {
      at,
      sinceMs: instance.world.engine.now(),
      go() {
        instance.waiters.delete(waiter);
        by.deliver(() => {
          instance.world.acknowledged?.(instance, at);
          acknowledge();
        });
      },
    };
    instance.waiters.add(waiter);
    releaseWaiters(instance);
  });
}

/** Called whenever a standby confirmed something, or the rule changed. */
export function releaseWaiters(instance: Instance): void {
  if (instance.waiters.size === 0) return;
  for (const waiter of [...instance.waiters]) if (isSafe(instance, instance.waitsFor, waiter.at)) waiter.go();
}

function isSafe(instance: Instance, rule: SynchronousRule | null, at: bigint): boolean {
  if (rule === null) return true;
  const named = (name: string): readonly boolean[] =>
    [...instance.senders]
      .filter((sender) => name === '*' || sameName(sender.applicationName, name))
      .map((sender) => sender.flushed !== null && sender.flushed >= at);
  // FIRST waits for the first ones that are connected, by the order of the list.
  const candidates = rule.names.flatMap(named);
  const asked = rule.method === 'first' ? candidates.slice(0, rule.count) : candidates;
  return asked.filter(Boolean).length >= rule.count;
}

/** Who is told of a new list, and when: it is in force when the checkpointer has heard, whatever a session shows. */
export function takeInNames(instance: Instance): void {
  const rule = readSynchronousNames(instance.conf.get('synchronous_standby_names') ?? '');
  const { world } = instance;
  const sameAsBefore = JSON.stringify(rule) === JSON.stringify(instance.waitsFor);
  if (sameAsBefore && !instance.takingInNames) return;
  instance.takingInNames = true;
  instance.postmaster.after(draw(world, world.tuning.namesMs), () => {
    instance.waitsFor = readSynchronousNames(instance.conf.get('synchronous_standby_names') ?? '');
    instance.takingInNames = false;
    releaseWaiters(instance);
  });
}

/** After it the control file tells the present timeline. */
export function checkpoint(instance: Instance, by: SimProcess, done: () => void): void {
  by.after(draw(instance.world, instance.world.tuning.checkpointMs), () => {
    if (instance.inRecovery) {
      restartPoint(instance);
      return done();
    }
    const { timeline, end } = instance.wal;
    write(instance, by, { kind: 'checkpoint' }, () => {
      const previous = instance.dir.control()?.timeline ?? timeline;
      updateControl(instance, { ...checkpointAt(timeline, end), previousTimeline: previous, ...noMinimum });
      instance.checkpointPending = false;
      done();
    });
  });
}

/** What a checkpoint is to a standby: it would begin again at the last one that it replayed. */
export function restartPoint(instance: Instance): void {
  const { wal, replayed } = instance;
  const last = lastCheckpoint(wal, replayed);
  updateControl(instance, {
    ...(last === null ? {} : checkpointAt(last.timeline, last.start)),
    minRecoveryEnd: replayed,
    minRecoveryEndTimeline: timelineOf(wal, replayed),
  });
}
