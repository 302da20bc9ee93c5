import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Holding, Write } from '../../src/model/history.ts';
import { hasKey } from '../../src/traffic/historyFile.ts';
import { keysToCompare, knownCounts, readEvidence } from '../../src/traffic/judgement.ts';

const folder = mkdtempSync(join(tmpdir(), 'matriarch-judgement-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const write = (key: string, client = key): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client,
  key,
  value: 1,
  sentMs: 1,
  endedMs: 2,
  node: 'n1',
  serverMs: 1,
  timeline: 1,
  systemId: '7',
  error: null,
});
const holding = (key: string): Holding => ({ kind: 'holding', node: 'n1', key, values: [1, 1] });
function file(name: string, ...lines: readonly (string | object)[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return path;
}
const refusal = (path: string): string => {
  const evidence = readEvidence(path);
  return evidence.kind === 'refused' ? evidence.why : 'taken';
};

test('what holds no history is refused, by its name', () => {
  const status = { wallMs: 1, kind: 'write', host: 'n1', value: 3, acknowledged: 3 };
  for (const path of ['/dev/null', file('notes', '# Notes', '', '{"kind": "note"}'), file('status', status, status)])
    assert.match(
      refusal(path),
      new RegExp(`^${path} holds no history: wanted is a file as matriarch traffic writes it`),
    );
  assert.match(refusal(join(folder, 'none')), /^cannot read the history .*none: ENOENT/);
  assert.match(refusal(folder), /^cannot read the history .*: EISDIR/);
});

test('a history is taken with its torn line, and that is told', () => {
  const torn = file('torn', write('k'), '{"kind":"wri', holding('k'));
  assert.deepEqual(readEvidence(torn), { kind: 'evidence', history: [write('k'), holding('k')], passedOver: 1 });
});

test('what only a comparison with a server tells is not known where one of the keys was not asked for', () => {
  const known = { acknowledged: 1, failed: 0, unknown: 0, unknownPresent: 0, lost: 0, doubled: 1, reordered: 0 };
  assert.deepEqual(knownCounts([write('k'), holding('k')]), known);
  const unknown = { unknownPresent: null, lost: null, doubled: null, reordered: null };
  assert.deepEqual(knownCounts([write('k')]), { ...known, ...unknown });
  const two = knownCounts([write('k'), holding('k'), write('other')]);
  assert.deepEqual(two, { ...known, ...unknown, acknowledged: 2 });
  assert.deepEqual(keysToCompare([write('k'), write('k'), write('m', 'monitor/n1')]), ['k']);
});

test('a key is found in a history that has an append under it', () => {
  const path = file('keys', write('k'), holding('held'));
  assert.deepEqual(
    [hasKey(path, 'k'), hasKey(path, 'held'), hasKey(path, undefined), hasKey(join(folder, 'none'), 'k')],
    [true, false, false, false],
  );
  assert.equal(hasKey('/dev/null', 'k'), false);
});
