/** What puts a program under a wall clock that can be set; clocks that never step, from which leases are counted, stay true. */

export const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
/** On the machine; read again by every program about once a second. */
export const offsetFile = '/tmp/clock-offset';

export const fakeClockEnv: Readonly<Record<string, string>> = {
  LD_PRELOAD: library,
  FAKETIME_TIMESTAMP_FILE: offsetFile,
  FAKETIME_CACHE_DURATION: '1',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  FAKETIME_DONT_RESET: '1',
};

/** On the machine: PostgreSQL's programs, of which the server itself goes by that clock. Agents give it none of their environment. */
export const postgresByFakeClock = '/run/lab/postgres-by-fake-clock';
