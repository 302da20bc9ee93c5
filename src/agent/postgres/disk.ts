import { type InstantMs, later } from '../../model/units.ts';
import type { Clock, Files } from '../../model/world.ts';

/** The disk as the loop sees it: it answers in time, or "it does not answer" is the answer. */
export interface PatientDisk {
  readonly files: Files;
  /** Anything else that waits for the disk, with its own limit. Undefined: no answer in time. */
  within<T>(work: () => Promise<T>, limitMs: number): Promise<T | undefined>;
  /** Since when the disk owes an answer to somebody who no longer waits; null: it does not. */
  hungSinceMs(): InstantMs | null;
  /** When all that was asked of it is done: a late write must not come after a newer one. */
  settled(): Promise<void>;
}

/**
 * A call to a hung disk can not be taken back, and the kernel gives each a thread: while one is out, no other is made. Reads
 * and writes apart, since a disk that writes no more may well be read.
 */
export function makePatientDisk(
  world: { readonly clock: Clock; readonly files: Files },
  options: { readonly limitMs: number; readonly answersAgain: () => void },
): PatientDisk {
  const { clock, files } = world;
  const reads = makeLane();
  const writes = makeLane();

  function makeLane() {
    const owed = new Map<Promise<unknown>, InstantMs>();
    const sinceMs = (): InstantMs | null => [...owed.values()][0] ?? null;

    async function within<T>(work: () => Promise<T>, limitMs: number): Promise<T | undefined> {
      if (owed.size > 0) return undefined;
      const sentMs = clock.now();
      const asked = work();
      const late = Symbol('late');
      let stop = (): void => {};
      const limit = new Promise<typeof late>((resolve) => {
        stop = clock.at(later(sentMs, limitMs), () => resolve(late));
      });
      const first = await Promise.race([asked, limit]);
      stop();
      if (first !== late) return first;
      owed.set(asked, sentMs);
      void asked
        .catch(() => {})
        .finally(() => {
          owed.delete(asked);
          if (owed.size === 0) options.answersAgain();
        });
      return undefined;
    }

    return { within, sinceMs, owed };
  }

  const why = (sinceMs: InstantMs | null): string =>
    `the disk does not answer${sinceMs === null ? '' : ` for ${Math.round(clock.now() - sinceMs)} ms`}`;
  async function read<T>(work: () => Promise<T>): Promise<T | { readonly kind: 'unreadable'; readonly why: string }> {
    return (await reads.within(work, options.limitMs)) ?? { kind: 'unreadable', why: why(reads.sinceMs()) };
  }
  async function change<T>(what: string, work: () => Promise<T>) {
    const done = await writes.within(work, options.limitMs);
    return done ?? ({ kind: 'failed', why: `${what}: ${why(writes.sinceMs())}` } as const);
  }

  return {
    files: {
      ...files,
      read: (path, fromByte) => read(() => files.read(path, fromByte)),
      list: (path) => read(() => files.list(path)),
      stat: (path) => read(() => files.stat(path)),
      write: (path, text, mode) => change(`write ${path}`, () => files.write(path, text, mode)),
      append: (path, text, mode) => change(`append ${path}`, () => files.append(path, text, mode)),
      rename: (from, to) => change(`rename ${from}`, () => files.rename(from, to)),
      remove: (path) => change(`remove ${path}`, () => files.remove(path)),
      forget: (path) => change(`forget ${path}`, () => files.forget(path)),
      makeDirectory: (path, mode) => change(`make ${path}`, () => files.makeDirectory(path, mode)),
    },
    within: reads.within,
    hungSinceMs: reads.sinceMs,
    async settled() {
      while (reads.owed.size + writes.owed.size > 0)
        await Promise.allSettled([...reads.owed.keys(), ...writes.owed.keys()]);
    },
  };
}
