import type { History, Write } from '../../model/history.ts';

/** A client needs a moment to note when it sent something. */
const slackMs = 1_000;

/**
 * Servers whose clocks were set say so in every write. When it was really is known as well: between the client's sending and its
 * answer, by the clock of the kernel that all machines share. What no clock that was set explains stays as it was told.
 */
export function withTrueTimes(history: History, setByMs: readonly number[]): History {
  if (setByMs.length === 0) return history;
  return history.map((seen) => (seen.kind === 'write' ? trueTime(seen, setByMs) : seen));
}

function trueTime(write: Write, setByMs: readonly number[]): Write {
  const { serverMs, sentMs, endedMs } = write;
  if (serverMs === null || endedMs === null) return write;
  const fits = (ms: number): boolean => sentMs - slackMs <= ms && ms <= endedMs + slackMs;
  if (fits(serverMs)) return write;
  const byMs = setByMs.find((ms) => fits(serverMs - ms));
  return byMs === undefined ? write : { ...write, serverMs: serverMs - byMs };
}
