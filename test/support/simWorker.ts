import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundled CommonJS packages ask for node's own modules by require, which an ES module does not have. */
const banner =
  "import { createRequire as bundledRequire } from 'node:module'; const require = bundledRequire(import.meta.url);";

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** bin/simWorker.ts as one file of its own: a worker thread does not load TypeScript. The folder is gone at the exit. */
export async function bundleSimWorker(plugins: readonly Plugin[] = []): Promise<URL> {
  const folder = mkdtempSync(join(tmpdir(), 'matriarch-sim-'));
  folders.push(folder);
  const outfile = join(folder, 'simWorker.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['bin/simWorker.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    external: ['koffi', 'pg-native'],
    banner: { js: banner },
    plugins: [...plugins],
    logLevel: 'error',
  });
  return pathToFileURL(outfile);
}
