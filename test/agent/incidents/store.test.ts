import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeIncidents } from '../../../src/agent/incidents/store.ts';
import type { Entry } from '../../../src/model/decision.ts';
import { instantMs } from '../../../src/model/units.ts';
import { makeFiles } from '../../../src/world/files.ts';

/** On real files. */

const entry = (second: number, from: string, to: string, what = 'leader'): Entry => ({
  kind: 'changed',
  atMs: instantMs(second * 1_000),
  wall: new Date(second * 1_000).toISOString(),
  what,
  from,
  to,
  because: [],
});
const end = (second: number): Entry => ({
  kind: 'note',
  atMs: instantMs(second * 1_000),
  wall: new Date(second * 1_000).toISOString(),
  level: 'info',
  text: 'agent ends: stopped',
  because: [],
});

function place(t: { after(clean: () => void): void }) {
  const stateDir = mkdtempSync(join(tmpdir(), 'matriarch-incidents-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  const folder = join(stateDir, 'incidents');
  return {
    stateDir,
    folder,
    make: () => makeIncidents({ files: makeFiles() }, { scope: 'demo', node: 'n2', stateDir }),
  };
}

test('a file each, for this user only; what an agent left open is cut short for the next', async (t) => {
  const { folder, make } = place(t);
  const first = make();
  first.hear(entry(1, 'n1', '-'));
  await first.flushed();
  const [name = ''] = readdirSync(folder);
  assert.equal(name, '19700101-000001-000.json');
  assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(JSON.parse(readFileSync(join(folder, name), 'utf8')).state, 'open');
  const next = make();
  await next.load();
  await next.flushed();
  assert.deepEqual(
    next.recent().map(({ state }) => state),
    ['cutShort'],
  );
  assert.equal(JSON.parse(readFileSync(join(folder, name), 'utf8')).state, 'cutShort');
});

test('bounded: the oldest go, on the disk and in memory; what is no incident is passed over', async (t) => {
  const { folder, make } = place(t);
  const incidents = make();
  for (let i = 1; i <= 130; i += 1) {
    incidents.hear(entry(2 * i, 'n1', '-'));
    incidents.hear(end(2 * i + 1));
    if (i % 20 === 0) await incidents.flushed();
  }
  await incidents.flushed();
  const names = readdirSync(folder).sort();
  assert.equal(names.length, 100);
  assert.equal(names[0], '19700101-000102-000.json');
  assert.equal(incidents.recent().length, 100);
  writeFileSync(join(folder, '20990101-000000-000.json'), '{"version":1,"id":"x"}');
  writeFileSync(join(folder, '20990101-000000-001.json'), 'no json');
  writeFileSync(join(folder, 'README'), 'mine');
  const next = make();
  await next.load();
  assert.ok(next.recent().length >= 98);
  assert.ok(next.recent().every(({ state }) => state === 'closed'));
});

test('what did not change is not written again', async () => {
  const writes: string[] = [];
  const done = async () => ({ kind: 'done' }) as const;
  const files = {
    ...makeFiles(),
    makeDirectory: done,
    list: async () => ({ kind: 'absent' }) as const,
    write: async (path: string) => {
      writes.push(path);
      return { kind: 'done' } as const;
    },
  };
  const incidents = makeIncidents({ files }, { scope: 'demo', node: 'n2', stateDir: '/state' });
  incidents.hear(entry(1, 'n1', '-'));
  await incidents.flushed();
  incidents.hear(entry(2, 'x', 'y', 'guard'));
  await incidents.flushed();
  assert.equal(writes.length, 1);
  incidents.hear(entry(3, '-', 'n3'));
  await incidents.flushed();
  assert.equal(writes.length, 2);
});

test('a disk that takes nothing, or never answers, holds nobody up: memory has them all the same', async () => {
  const failed = async () => ({ kind: 'failed', why: 'no space left' }) as const;
  const files = {
    ...makeFiles(),
    makeDirectory: failed,
    write: failed,
    list: async () => ({ kind: 'absent' }) as const,
  };
  const incidents = makeIncidents({ files }, { scope: 'demo', node: 'n2', stateDir: '/state' });
  incidents.hear(entry(1, 'n1', '-'));
  await incidents.flushed();
  assert.equal(incidents.recent().length, 1);
  const never = { ...files, makeDirectory: () => new Promise<never>(() => {}) };
  const hung = makeIncidents({ files: never }, { scope: 'demo', node: 'n2', stateDir: '/state' });
  for (let i = 1; i <= 300; i += 1) {
    hung.hear(entry(2 * i, 'n1', '-'));
    hung.hear(end(2 * i + 1));
  }
  assert.equal(hung.recent().length, 100);
});

test('an entry that is not understood does not reach whoever records it, and the next incident is kept again', async (t) => {
  const incidents = place(t).make();
  incidents.hear(entry(1, 'n1', '-'));
  const broken = { ...entry(2, '-', 'n1'), kind: 'decided', rule: 'race.acquire', because: 5 } as unknown as Entry;
  assert.doesNotThrow(() => incidents.hear(broken));
  incidents.hear(entry(3, 'n1', '-'));
  assert.deepEqual(
    incidents.recent().map(({ state }) => state),
    ['open', 'open'],
  );
  await incidents.flushed();
});
