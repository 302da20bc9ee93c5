import { readSynchronousNames, type SynchronousRule, sameName } from '../../model/synchronousNames.ts';
import type { SimProcess } from '../process.ts';
import { checkpointAt, noMinimum } from './dataDir.ts';
import { draw, type Instance, type Range, type Sender, updateControl } from './instance.ts';
import { append, lastCheckpoint, timelineOf, type WalChange } from './wal.ts';

const recordBytes = { write: 168, checkpoint: 120, shutdown: 120, endOfRecovery: 48, other: 64 } as const;

/** Appends, flushes, sends on; no waiting for standbys. `done` runs as `by`, with the record's end. */
export function write(instance: Instance, by: SimProcess, change: WalChange, done: (end: bigint) => void): void {
  const { end } = append(instance.wal, change, recordBytes[change.kind]);
  by.after(draw(instance.world, instance.world.tuning.fsyncMs) + instance.machine.fsyncMs, () => {
    instance.machine.whenFlushed(() =>
      by.deliver(() => {
        flushed(instance, end);
        done(end);
      }),
    );
  });
}

export function flushed(instance: Instance, upTo: bigint): void {
  if (upTo > instance.wal.flushed) instance.wal.flushed = upTo;
  for (const sender of instance.senders) sender.pushNew();
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
  for (const waiter of [...instance.waiters]) if (!instance.waits || isSafe(instance, waiter.at)) waiter.go();
}

function isSafe(instance: Instance, at: bigint): boolean {
  const rule = instance.waitsFor;
  if (rule === null) return false; // nobody releases it but the checkpointer
  const isReplayed = instance.conf.get('synchronous_commit') === 'remote_apply';
  const hasIt = ({ flushed, replayed }: Sender): boolean => ((isReplayed ? replayed : flushed) ?? 0n) >= at;
  const named = (name: string): readonly boolean[] =>
    [...instance.senders].filter((sender) => name === '*' || sameName(sender.applicationName, name)).map(hasIt);
  // FIRST waits for the first ones that are connected, by the order of the list.
  const candidates = rule.names.flatMap(named);
  const asked = rule.method === 'first' ? candidates.slice(0, rule.count) : candidates;
  return asked.filter(Boolean).length >= rule.count;
}

/** Walsenders take in a new list at once. */
const sendersTakeInMs: Range = [0, 20];

/**
 * A new list of names: the walsenders go by it right away, and release by it who waits; whether commits wait at all they are
 * told by the checkpointer, which may be busy. A session shows the new list all the same.
 */
export function takeInNames(instance: Instance): void {
  const { world, postmaster } = instance;
  const listed = (): SynchronousRule | null =>
    readSynchronousNames(instance.conf.get('synchronous_standby_names') ?? '');
  postmaster.after(draw(world, sendersTakeInMs), () => {
    instance.waitsFor = listed();
    releaseWaiters(instance);
  });
  if ((listed() !== null) === instance.waits && !instance.takingInNames) return;
  instance.takingInNames = true;
  postmaster.after(draw(world, world.tuning.namesMs), () => {
    instance.waits = listed() !== null;
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
