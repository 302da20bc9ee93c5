import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';
import { root } from './testFiles.mjs';

/**
 * Test files as JavaScript, with all that they share in chunks: to load TypeScript costs every process two thirds of a second, and
 * there are sixty. Each module still takes itself for its source. Gives the folder, below node_modules, where packages are found;
 * it goes when this process exits.
 */
export async function compileTests(files) {
  const folder = mkdtempSync(join(root, 'node_modules/.matriarch-tests-'));
  chmodSync(folder, 0o755); // some tests give up root
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  await build({
    absWorkingDir: root,
    entryPoints: files,
    outdir: folder,
    outbase: '.',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    sourcemap: 'linked',
    logLevel: 'error',
    plugins: [{ name: 'its-source', setup: (builder) => builder.onLoad({ filter: /\.ts$/ }, knowsItsSource) }],
  });
  return folder;
}

/** Where a source file is compiled to. */
export const compiled = (folder, path) => join(folder, path.replace(/\.ts$/, '.js'));

async function knowsItsSource({ path }) {
  const text = readFileSync(path, 'utf8');
  if (!text.includes('import.meta.url')) return undefined;
  const define = { 'import.meta.url': JSON.stringify(pathToFileURL(path).href) };
  const { code } = await transform(text, { loader: 'ts', define, sourcefile: path, sourcemap: 'inline' });
  return { contents: code, loader: 'js' };
}
