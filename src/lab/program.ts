import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where this program lives, whether it runs from dist/ or from its sources. */
const here = fileURLToPath(import.meta.url);

export const programRoot = findRoot(dirname(here));

/** The command that runs `matriarch lab` as this process runs: bundled, or from the sources through tsx. */
export function labCommandLine(): readonly string[] {
  if (here.endsWith('.js')) return [process.execPath, join(programRoot, 'bin/matriarch'), 'lab'];
  const tsx = pathToFileURL(createRequire(here).resolve('tsx')).href;
  return [process.execPath, '--import', tsx, join(programRoot, 'bin/lab.ts')];
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json')) || folder === '/') return folder;
  return findRoot(dirname(folder));
}
