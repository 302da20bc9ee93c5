import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The table of rooms of ARCHITECTURE.md, as data. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  decide: ['model'],
  codec: ['model'],
  world: ['model', 'codec'],
  agent: ['model', 'codec', 'decide'],
  guardian: ['model', 'codec'],
  api: ['model', 'codec'],
  ctl: ['model', 'codec', 'world'],
  traffic: ['model', 'codec', 'world'],
  picture: ['model'],
  lab: ['model', 'codec', 'world', 'traffic', 'picture'],
  sim: ['model', 'codec', 'agent', 'guardian', 'api', 'picture'],
  web: ['model'],
};
const withoutNode = new Set(['model', 'decide', 'codec', 'agent', 'guardian', 'sim', 'web', 'picture']);
/** Drivers and libraries, each in the rooms made for it. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  yaml: ['codec'],
  zod: ['codec'],
  koffi: ['world'],
  pg: ['world', 'traffic'],
  fastify: ['api'],
  'cli-table3': ['ctl'],
  '@bufbuild/protobuf': ['world'],
  preact: ['web'],
  commander: [],
  pino: [],
};
const purely = new Set(['model', 'decide', 'codec', 'agent', 'guardian', 'picture']);
const hiddenInputs =
  /\b(Date\.now|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|AbortSignal\.timeout|process\.env|crypto\.)|\bfetch\(|new Date\(\)/;

const root = fileURLToPath(new URL('..', import.meta.url));
const files = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
const sources = files(join(root, 'src'))
  .filter((path) => /\.tsx?$/.test(path) && !path.includes('/generated/'))
  .map((path) => ({
    path: relative(root, path),
    room: relative(root, path).split('/')[1] ?? '',
    text: readFileSync(path, 'utf8'),
  }));
const imports = (text: string): string[] =>
  [...text.matchAll(/(?:^(?:import|export)\b[^;'"`]*\bfrom\s+|^import\s+|\bimport\()'([^'\n]+)'/gm)].map(
    (match) => match[1] ?? '',
  );
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');

test('there are sources to judge, and every room is known', () => {
  assert.ok(sources.length > 30);
  assert.deepEqual(
    [...new Set(sources.map(({ room }) => room))].filter((room) => !(room in mayImport)),
    [],
  );
});

test('rooms import only what they may', () => {
  const wrong = sources.flatMap(({ path, room, text }) =>
    imports(text)
      .filter((target) => {
        if (target.startsWith('node:')) return withoutNode.has(room);
        if (target.startsWith('.')) {
          const to = new URL(target, `file:///${path}`).pathname.split('/')[2] ?? '';
          return to !== room && mayImport[room]?.includes(to) !== true;
        }
        const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : (target.split('/')[0] ?? '');
        return libraries[name]?.includes(room) !== true;
      })
      .map((target) => `${path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('time, chance and I/O come in through World alone', () => {
  assert.deepEqual(
    sources.filter(({ room, text }) => purely.has(room) && hiddenInputs.test(code(text))).map(({ path }) => path),
    [],
  );
});

test('no file outgrows one subject', () => {
  assert.deepEqual(
    sources.filter(({ text }) => text.split('\n').length > 320).map(({ path }) => path),
    [],
  );
});

test('nothing is left behind: no skipped tests, no silenced compiler, no debug prints', () => {
  const tests = files(join(root, 'test'))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }));
  const marks = /@ts-(ignore|nocheck|expect-error)|\bas any\b|\.(only|todo)\(/;
  assert.deepEqual(
    [...sources, ...tests]
      .filter(({ path, text }) => path !== 'test/house.test.ts' && marks.test(text))
      .map(({ path }) => path),
    [],
  );
  assert.deepEqual(
    sources
      .filter(
        ({ room, text }) => room !== 'lab' && room !== 'ctl' && room !== 'traffic' && /console\.log/.test(code(text)),
      )
      .map(({ path }) => path),
    [],
  );
});
