import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { folderUntilExit } from './folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundled CommonJS packages ask for node's own modules by require, which an ES module does not have. */
const banner =
  "import { createRequire as bundledRequire } from 'node:module'; const require = bundledRequire(import.meta.url);";

/**
 * A program of the checkout as one file of its own, for threads, which do not load TypeScript, and for what is started so often
 * that loading it would take longer than the test. It is below node_modules, where native packages are found, and gone at the exit.
 */
export async function bundle(entryPoint: string, plugins: readonly Plugin[] = []): Promise<string> {
  const folder = folderUntilExit(join(root, 'node_modules/.matriarch-bundle-'));
  const outfile = join(folder, 'program.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
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
  return outfile;
}
