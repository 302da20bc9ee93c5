import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import type { History, Observed } from '../model/history.ts';
import type { HistorySink } from './writer.ts';

/**
 * A history as a file, one fact a line as JSON. Each line is written at once: what a buffer held when the machine lost its
 * power would be the evidence that matters. A disk that is full loses lines, never the run.
 */
export function openHistoryFile(path: string): HistorySink & { close(): void; readonly linesLost: () => number } {
  const file = openSync(path, 'a+', 0o644);
  let linesLost = 0;
  // Killed in the middle of a write, the writer before this one may have left half a line.
  if (!endsWhole(file)) writeSync(file, '\n');
  return {
    record(seen) {
      try {
        writeSync(file, `${JSON.stringify(seen)}\n`);
      } catch {
        linesLost += 1;
      }
    },
    linesLost: () => linesLost,
    close: () => closeSync(file),
  };
}

function endsWhole(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.toString() === '\n');
}

/** All facts of the files, or those behind a place in each. A line that was cut off with its writer is passed over. */
export function readHistoryFiles(paths: readonly string[], from: Readonly<Record<string, number>> = {}): History {
  return paths.flatMap((path) =>
    factsIn(
      readFileSync(path)
        .subarray(from[path] ?? 0)
        .toString('utf8')
        .split('\n'),
    ),
  );
}

/** Whether there is an append under this key in a file that may not be there yet. What is no file (a pipe) keeps nothing. */
export function hasKey(path: string, key: string | undefined): boolean {
  if (key === undefined || statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  return readHistoryFiles([path]).some((seen) => seen.kind === 'write' && seen.key === key);
}

/** The objects among lines. */
export const factsIn = (lines: readonly string[]): History =>
  lines.flatMap((line) => {
    const seen = line.startsWith('{') ? parsed(line) : null;
    return seen === null ? [] : [seen];
  });

function parsed(line: string): Observed | null {
  try {
    const value: Observed = JSON.parse(line);
    return value;
  } catch {
    return null;
  }
}
