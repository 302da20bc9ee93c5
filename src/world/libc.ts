import koffi from 'koffi';

/** The few calls of the C library that Node has no name for. `null`: whatever C library this process already uses. */
const libc = koffi.load(null);

const numbered = (definition: string): ((...args: readonly unknown[]) => number) => {
  const call = libc.func(definition);
  return (...args) => Number(call(...args));
};

const clockGettime = numbered('int clock_gettime(int clock, _Out_ void *at)');
const flockCall = numbered('int flock(int fd, int operation)');
const ioctlCall = numbered('int ioctl(int fd, unsigned long request, _Inout_ void *argument)');
const eventfdCall = numbered('int eventfd(unsigned int value, int flags)');
const syscall = numbered('long syscall(long number, int first, unsigned int second)');
const renameat2Call = numbered('int renameat2(int fromDir, str from, int toDir, str to, unsigned int flags)');
const schedSetscheduler = numbered('int sched_setscheduler(int pid, int policy, void *parameter)');
const pollCall = libc.func('int poll(_Inout_ void *fds, unsigned long count, int limitMs)');

const CLOCK_BOOTTIME = 7;
const LOCK_EX = 2;
const LOCK_NB = 4;
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
const PIDFD_OPEN = 434; // the same on every architecture
const EFD_CLOEXEC_NONBLOCK = 0o2004000;
const SCHED_FIFO_RESET_ON_FORK = 1 | 0x40000000;

export const EWOULDBLOCK = 11;
export const ESRCH = 3;
export const POLLIN = 1;

export type CallResult =
  | { readonly kind: 'done'; readonly value: number }
  | { readonly kind: 'failed'; readonly errno: number };

const resultOf = (value: number): CallResult =>
  value < 0 ? { kind: 'failed', errno: koffi.errno() } : { kind: 'done', value };

const timespec = new BigInt64Array(2);

/** Ms since boot, suspend included. Node's own clocks stand still while the machine sleeps. */
export function boottimeMs(): number {
  if (clockGettime(CLOCK_BOOTTIME, timespec) !== 0) throw new Error(`clock_gettime: errno ${koffi.errno()}`);
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}

export const flock = (fd: number): CallResult => resultOf(flockCall(fd, LOCK_EX | LOCK_NB));
export const ioctl = (fd: number, request: number, argument: Int32Array): CallResult =>
  resultOf(ioctlCall(fd, request, argument));
export const eventfd = (): CallResult => resultOf(eventfdCall(0, EFD_CLOEXEC_NONBLOCK));
export const pidfdOpen = (pid: number): CallResult => resultOf(syscall(PIDFD_OPEN, pid, 0));
export const exchange = (a: string, b: string): CallResult =>
  resultOf(renameat2Call(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
/** Real-time scheduling for this process, not for what it starts. Needs a privilege. */
export const schedFifo = (priority: number): CallResult =>
  resultOf(schedSetscheduler(0, SCHED_FIFO_RESET_ON_FORK, new Int32Array([priority])));

/**
 * Waits in a pool thread until one of the descriptors is readable or the limit passes. `fds` is the kernel's array of
 * pollfd: it is written to, and must be left alone meanwhile.
 */
export function poll(fds: Buffer, count: number, limitMs: number, done: () => void): void {
  pollCall.async(fds, count, limitMs, () => done());
}
