import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { Watchdog } from '../model/guard.ts';
import { whyOf } from './failure.ts';
import { type CallResult, ioctl as realIoctl } from './libc.ts';

const WDIOC_SETTIMEOUT = 0xc0045706;
const WDIOC_GETTIMEOUT = 0x80045707;

/** The kernel's watchdog device: resets the machine unless it is written to in time. `ioctl` is injected by tests. */
export function makeWatchdog(
  path: string,
  ioctl: (fd: number, request: number, argument: Int32Array) => CallResult = realIoctl,
): Watchdog {
  return {
    open() {
      let fd: number;
      try {
        fd = openSync(path, constants.O_WRONLY); // never O_CREAT: a plain file of that name guards nothing
      } catch (error) {
        return { kind: 'failed', why: whyOf(error) };
      }
      const asked = ioctl(fd, WDIOC_GETTIMEOUT, new Int32Array(1));
      if (asked.kind === 'failed') {
        closeSync(fd);
        return { kind: 'failed', why: `${path} is no watchdog device: ioctl gave errno ${asked.errno}` };
      }
      return {
        kind: 'open',
        device: {
          /** The driver may take another value: the one it says afterwards counts. */
          setSeconds(seconds) {
            const value = new Int32Array([seconds]);
            const set = ioctl(fd, WDIOC_SETTIMEOUT, value);
            const read = ioctl(fd, WDIOC_GETTIMEOUT, value);
            return set.kind === 'failed' && read.kind === 'failed' ? null : (value[0] ?? null);
          },
          pat: () => write(fd, '1'),
          /** The magic letter says that the end is meant. A driver built with `nowayout` goes on all the same. */
          close() {
            const said = write(fd, 'V');
            closeSync(fd);
            return said;
          },
        },
      };
    },
  };
}

function write(fd: number, text: string): boolean {
  try {
    return writeSync(fd, text) === text.length;
  } catch {
    return false;
  }
}
