import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The live page that the build put beside the program; null where there was none. Read when somebody asks for it. */
export function livePageAt(folder: string): string | null {
  try {
    return readFileSync(join(folder, 'live.html'), 'utf8');
  } catch {
    return null;
  }
}
