import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeFailsafeMap } from '../../../src/agent/dcs/failsafeMap.ts';
import type { FailsafeMap } from '../../../src/model/failsafe.ts';
import type { DcsOutcome } from '../../../src/model/outcome.ts';
import { type InstantMs, type Revision, revision, term } from '../../../src/model/units.ts';
import { makeFiles } from '../../../src/world/files.ts';
import { clock } from './node.ts';

/** Whom a primary without etcd must ask: all that any content names that the key may have. */

const two: FailsafeMap = { n1: 'http://n1:8008/patroni', n2: 'http://n2:8008/patroni' };
const all: FailsafeMap = { ...two, n3: 'http://n3:8008/patroni' };
const reign = term(40n);

function stage(t: TestContext, files = makeFiles()) {
  const stateDir = mkdtempSync(join(tmpdir(), 'matriarch-map-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const begin = () => makeFailsafeMap({ files, clock }, stateDir);
  return { begin, map: begin(), path: join(stateDir, 'failsafe.json') };
}

const reads = (members: FailsafeMap | null, at: bigint, sentMs: InstantMs = clock.now()) => ({
  at: revision(at),
  members,
  sentMs,
});
const done = (at: bigint) => async (): Promise<DcsOutcome<null>> => ({
  kind: 'done',
  value: null,
  revision: revision(at),
  sentMs: clock.now(),
});
const lost = async (): Promise<DcsOutcome<null>> => ({ kind: 'unknown', why: 'no answer' });

test('a read that was overtaken by another, or by a write, tells nothing', async (t) => {
  const { map } = stage(t);
  const beforeMs = clock.now();
  await new Promise((resolve) => setTimeout(resolve, 5));
  map.seen(reads(two, 10n), reign);
  await map.write(all, revision(10n), reign, 1_000, done(11n));
  map.seen(reads(two, 10n, beforeMs), reign);
  assert.deepEqual(map.current(), all, 'after a write');
  map.seen(reads(all, 11n), reign);
  await map.write({ ...all, n4: 'http://n4:8008/patroni' }, revision(11n), reign, 1_000, lost);
  map.seen(reads(two, 10n, beforeMs), reign);
  assert.deepEqual(Object.keys(map.current() ?? {}), ['n1', 'n2', 'n3', 'n4'], 'the write may still arrive');
});

test('while a deletion may still arrive it is not known whom to ask, by the next agent neither', async (t) => {
  const { map, begin } = stage(t);
  map.seen(reads(all, 10n), reign);
  await map.write(null, revision(10n), reign, 1_000, lost);
  assert.equal(map.current(), null);
  const next = begin();
  await next.load(reign);
  assert.equal(next.current(), null);
  map.seen(reads(all, 10n), reign);
  assert.equal(map.current(), null, 'the key is where the deletion would find it');
  await map.write(all, revision(10n), reign, 1_000, done(12n));
  assert.deepEqual(map.current(), all);
});

test('over garbage the revision that was read is compared: two such writes exclude each other', async (t) => {
  const { map } = stage(t);
  const compared: (Revision | null)[] = [];
  const note = async (over: Revision | null): Promise<DcsOutcome<null>> => {
    compared.push(over);
    return { kind: 'unknown', why: 'no answer' };
  };
  map.seen(reads(null, 10n), reign);
  await map.write(all, 'any', reign, 1_000, note);
  map.seen(reads(null, 0n), reign);
  await map.write(all, 'any', reign, 1_000, note);
  assert.deepEqual(compared, [revision(10n), null]);
});

test('what hung in the disk does not come true over what was written after it', async (t) => {
  const files = makeFiles();
  let answer = (): void => {};
  const hangs = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let writes = 0;
  const slow = {
    ...files,
    async write(...args: Parameters<typeof files.write>) {
      writes += 1;
      if (writes === 1) await hangs;
      return files.write(...args);
    },
  };
  const { map, path } = stage(t, slow);
  map.seen(reads(two, 10n), reign);
  const write = map.write(all, revision(10n), reign, 1_000, lost);
  setTimeout(answer, 20);
  await write;
  assert.match(await readFile(path, 'utf8'), /"tries":\[\{"members":\{[^}]*"n3"/);
});

test('a disk that hangs is not waited for: nothing is sent, and nothing has changed', async (t) => {
  const files = makeFiles();
  const { map } = stage(t, { ...files, write: () => new Promise<never>(() => {}) });
  map.seen(reads(two, 10n), reign);
  const sent = () => Promise.reject(new Error('it was sent'));
  const outcome = await map.write(all, revision(10n), reign, 20, sent);
  assert.match(outcome.kind === 'refused' ? outcome.why : outcome.kind, /failsafe\.json: not taken within 20 ms/);
  assert.deepEqual(map.current(), two);
});
