import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { History, Observed } from '../model/history.ts';
import type { HistorySink } from './writer.ts';

/**
 * A history as a file, one fact a line as JSON. Each line is written at once: what a buffer held when the machine lost its
 * power would be the evidence that matters. A disk that is full loses lines, never the run.
 */
export function openHistoryFile(path: string): HistorySink & { close(): void; readonly linesLost: () => number } {
  const file = openSync(path, 'a', 0o644);
  let linesLost = 0;
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

/** All facts of the files. A last line cut off by a power cut is passed over. */
export function readHistoryFiles(paths: readonly string[]): History {
  return paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const seen = line.startsWith('{') ? parsed(line) : null;
        return seen === null ? [] : [seen];
      }),
  );
}

function parsed(line: string): Observed | null {
  try {
    const value: Observed = JSON.parse(line);
    return value;
  } catch {
    return null;
  }
}
