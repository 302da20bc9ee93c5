import { closeSync, readSync, writeSync } from 'node:fs';
import type { Pid } from '../model/units.ts';
import type { Cancel } from '../model/world.ts';
import { ESRCH, eventfd, POLLIN, pidfdOpen, poll } from './libc.ts';
import { describe } from './proc.ts';

interface Watch {
  readonly fd: number;
  readonly exited: () => void;
}

/**
 * One thread of the pool waits for all processes at once. A write to `bell` ends its wait: when a watch is added or
 * dropped, and when this process exits, which would otherwise hang until the wait ends. The wait is bounded as well,
 * for an exit that goes past the exit handlers.
 */
const waitMs = 5_000;
/** Without a bell, a new watch waits for the end of the wait before it. */
const bellessWaitMs = 100;
/** Where the kernel knows no pidfd: how often /proc is asked instead. */
const askMs = 100;

let watches: readonly Watch[] = [];
let bell: number | null = null;
let waiting = false;
const one = Buffer.from(new BigUint64Array([1n]).buffer);

/** Calls `exited` once the process with that identity is gone, a child of ours or not. */
export function watchExit(pid: Pid, startTicks: number, exited: () => void): Cancel {
  const opened = pidfdOpen(pid);
  if (opened.kind === 'failed') return opened.errno === ESRCH ? soon(exited) : ask(pid, startTicks, exited);
  // The number may belong to another process by now: the identity is judged after the descriptor is held.
  if (!lives(pid, startTicks)) {
    closeSync(opened.value);
    return soon(exited);
  }
  const watch: Watch = { fd: opened.value, exited };
  watches = [...watches, watch];
  ring();
  wait();
  return () => {
    if (watches.includes(watch)) drop(watch);
  };
}

const lives = (pid: Pid, startTicks: number): boolean => {
  const found = describe(pid);
  return found !== null && found.state !== 'dead' && found.startTicks === startTicks;
};

function soon(exited: () => void): Cancel {
  const timer = setImmediate(exited);
  return () => clearImmediate(timer);
}

function ask(pid: Pid, startTicks: number, exited: () => void): Cancel {
  const timer = setInterval(() => {
    if (lives(pid, startTicks)) return;
    clearInterval(timer);
    exited();
  }, askMs);
  return () => clearInterval(timer);
}

function drop(watch: Watch): void {
  watches = watches.filter((other) => other !== watch);
  // A descriptor is closed only while nobody waits on it: its number could be given away at once.
  retired = [...retired, watch.fd];
  ring();
  if (!waiting) closeRetired();
}

let retired: readonly number[] = [];
function closeRetired(): void {
  for (const fd of retired) closeSync(fd);
  retired = [];
}

function ring(): void {
  if (bell !== null) writeSync(bell, one);
}

function openBell(): number | null {
  const opened = eventfd();
  if (opened.kind === 'failed') return null;
  process.on('exit', ring);
  return opened.value;
}

function wait(): void {
  if (waiting || watches.length === 0) return;
  bell ??= openBell();
  waiting = true;
  const waitedFor = watches;
  const fds = [...(bell === null ? [] : [bell]), ...waitedFor.map(({ fd }) => fd)];
  const array = Buffer.alloc(fds.length * 8); // struct pollfd { int fd; short events; short revents; }
  for (const [index, fd] of fds.entries()) {
    array.writeInt32LE(fd, index * 8);
    array.writeInt16LE(POLLIN, index * 8 + 4);
  }
  poll(array, fds.length, bell === null ? bellessWaitMs : waitMs, () => {
    waiting = false;
    const readable = fds.filter((_, index) => array.readInt16LE(index * 8 + 6) !== 0);
    if (bell !== null && readable.includes(bell)) readSync(bell, Buffer.alloc(8));
    const gone = waitedFor.filter((watch) => readable.includes(watch.fd) && watches.includes(watch));
    for (const watch of gone) drop(watch);
    closeRetired();
    for (const watch of gone) watch.exited();
    wait();
  });
}
