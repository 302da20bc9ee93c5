// node scripts/build.mjs: bundles what users run into dist/.
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildLivePage } from './livePage.mjs';
import { sourcesHash } from './stamp.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist/.stamp');

// Bundled CommonJS packages ask for node's own modules by require, which an ES module does not have.
const banner =
  "import { createRequire as bundledRequire } from 'node:module'; const require = bundledRequire(import.meta.url);";

const hash = sourcesHash(root);
rmSync(stamp, { force: true }); // a build that fails half way must not pass for a whole one
mkdirSync(join(root, 'dist'), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: { matriarch: 'bin/matriarch.ts', guardian: 'bin/guardian.ts', simWorker: 'bin/simWorker.ts' },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  external: ['koffi', 'pg-native'],
  banner: { js: banner },
  sourcemap: 'linked',
  logLevel: 'warning',
});
await buildLivePage(root);
copyFileSync(join(root, 'src/guardian/sentinel.sh'), join(root, 'dist/sentinel.sh'));
chmodSync(join(root, 'dist/sentinel.sh'), 0o755);
writeFileSync(stamp, `${hash}\n`);
