import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a build is made of, in a fixed order; the compiled output depends on nothing else. */
const sources = ['src', 'bin', 'scripts/build.mjs', 'scripts/livePage.mjs', 'package.json', 'package-lock.json'];

/** One hash over names and contents of all sources. */
export function sourcesHash(root) {
  const hash = createHash('sha256');
  for (const path of sources.flatMap((name) => filesUnder(root, name)).sort()) {
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

export const fileHash = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');
export const readStamp = (path) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : null);

function filesUnder(root, name) {
  const path = join(root, name);
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [name];
  return readdirSync(path).flatMap((entry) => filesUnder(root, join(name, entry)));
}
