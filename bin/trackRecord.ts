import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** docs/track-record.jsonl: what campaigns showed, a line each, and where the next call goes on. */
export const trackRecordPath = fileURLToPath(new URL('../docs/track-record.jsonl', import.meta.url));

/** What every line has; the rest is its campaign's own. */
export interface RecordLine {
  readonly campaign: string;
  readonly at: string;
  readonly commit: string;
}

export function appendToRecord(line: RecordLine, path: string): void {
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}

/** The lines of one campaign, as `appendToRecord` wrote them. Throws when one is no JSON. */
export function readRecord<T extends RecordLine>(campaign: T['campaign'], path: string): readonly T[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return lines.flatMap((text, index) => {
    if (text === '') return [];
    const line: T = parsed(text, `${path}, line ${index + 1}`);
    return line.campaign === campaign ? [line] : [];
  });
}

function parsed<T>(text: string, where: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new Error(`${where}: no JSON. Mend or remove it, or name another file by --record`, { cause: error });
  }
}
