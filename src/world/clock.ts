import { type InstantMs, instantMs, wallMs } from '../model/units.ts';
import type { Clock } from '../model/world.ts';
import { boottimeMs } from './libc.ts';

/** How often a pending wait is compared with the clock: Node's timers stand still while the machine sleeps. */
const suspendCheckMs = 1_000;
/** A longer timeout would overflow Node's timer. */
const timeoutMsMax = 3_600_000;

interface Wait {
  readonly atMs: InstantMs;
  readonly fire: () => void;
  timer: NodeJS.Timeout | null;
}

/** CLOCK_BOOTTIME in whole ms, rounded down, and waits on it. `read` is the clock itself. */
export function makeClock(read: () => number = boottimeMs): Clock {
  const waits = new Set<Wait>();
  let ticker: NodeJS.Timeout | null = null;
  const now = (): InstantMs => instantMs(Math.floor(read()));

  function look(wait: Wait): void {
    if (!waits.has(wait)) return;
    const leftMs = wait.atMs - now();
    if (leftMs <= 0) {
      end(wait);
      wait.fire();
      return;
    }
    if (wait.timer !== null) clearTimeout(wait.timer);
    wait.timer = setTimeout(() => look(wait), Math.min(leftMs, timeoutMsMax));
  }

  function end(wait: Wait): void {
    waits.delete(wait);
    if (wait.timer !== null) clearTimeout(wait.timer);
    if (waits.size > 0 || ticker === null) return;
    clearInterval(ticker);
    ticker = null;
  }

  /** After a suspend every timer is late by its length: those that are due fire now, the others are set anew. */
  function tick(): void {
    for (const wait of [...waits]) look(wait);
  }

  function at(atMs: InstantMs, fire: () => void): () => void {
    const wait: Wait = { atMs, fire, timer: null };
    waits.add(wait);
    // Never before the caller has gone on, even when the instant has passed.
    wait.timer = setTimeout(() => look(wait), Math.min(Math.max(atMs - now(), 0), timeoutMsMax));
    ticker ??= setInterval(tick, suspendCheckMs).unref();
    return () => end(wait);
  }

  return {
    now,
    wall: () => wallMs(Date.now()),
    at,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = (): void => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = at(instantMs(now() + ms), done);
        signal?.addEventListener('abort', done);
      }),
  };
}
