// The live page as one file: script and style stand in it, and a policy that lets nothing else run or load.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export async function buildLivePage(root) {
  const source = join(root, 'src/web');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/web/main.tsx', 'src/web/page.css'],
    outdir: 'dist',
    write: false,
    bundle: true,
    minify: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
  const text = (end) => outputFiles.find(({ path }) => path.endsWith(end))?.text.trim() ?? '';
  const script = text('.js').replaceAll('</script', '<\\/script');
  const style = text('.css');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const html = [
    ['content=""', `content="${policy}"`],
    ['<style></style>', `<style>${style}</style>`],
    ['<script></script>', `<script>${script}</script>`],
  ].reduce((before, [empty, filled]) => fill(before, empty, filled), readFileSync(join(source, 'page.html'), 'utf8'));
  writeFileSync(join(root, 'dist/live.html'), html);
}

const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function fill(html, empty, filled) {
  if (html.split(empty).length !== 2) throw new Error(`src/web/page.html must hold ${empty} once`);
  return html.replace(empty, () => filled);
}
