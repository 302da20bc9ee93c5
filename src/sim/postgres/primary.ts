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
      go() {
        instance.waiters.delete(waiter);
        by.deliver(acknowledge);
      },
    };
    instance.waiters.add(waiter);
    releaseWaiters(instance);
  });
}

/** Called whenever a standby confirmed something, or the rule changed. */
export function releaseWaiters(instance: Instance): void {
  if (instance.waiters.size === 0) return;
  const rule = readSynchronous(instance.conf.get('synchronous_standby_names') ?? '');
  for (const waiter of [...instance.waiters]) if (isSafe(instance, rule, waiter.at)) waiter.go();
}

interface SynchronousRule {
  readonly method: 'first' | 'any';
  readonly count: number;
  readonly names: readonly string[];
}

function isSafe(instance: Instance, rule: SynchronousRule | null, at: bigint): boolean {
  if (rule === null) return true;
  const named = (name: string): readonly boolean[] =>
    [...instance.senders]
      .filter((sender) => name === '*' || sender.applicationName === name)
      .map((sender) => sender.flushed !== null && sender.flushed >= at);
  // FIRST waits for the first ones that are connected, by the order of the list.
  const candidates = rule.names.flatMap(named);
  const asked = rule.method === 'first' ? candidates.slice(0, rule.count) : candidates;
  return asked.filter(Boolean).length >= rule.count;
}

/** `a`, `a, b`, `2 (a, b)`, `FIRST 1 (a)`, `ANY 1 (a, b)`, `*`. Null: asynchronous. */
export function readSynchronous(text: string): SynchronousRule | null {
  if (text.trim() === '') return null;
  const match = /^\s*(?:(first|any)\s+)?(?:(\d+)\s*)?\(?([^()]*)\)?\s*$/i.exec(text);
  const names = (match?.[3] ?? '').split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  return {
    method: match?.[1]?.toLowerCase() === 'any' ? 'any' : 'first',
    count: Number(match?.[2] ?? 1),
    names: names.filter((name) => name !== ''),
  };
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
