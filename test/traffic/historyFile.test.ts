import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Observed } from '../../src/model/history.ts';
import { openHistoryFile, readHistoryFiles } from '../../src/traffic/historyFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'matriarch-history-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const holding = (key: string): Observed => ({ kind: 'holding', node: 'n1', key, values: [1, 2, 3] });

test('what is recorded is read again, over all writers of the file', () => {
  const path = join(folder, 'whole.jsonl');
  for (const key of ['a', 'b']) {
    const file = openHistoryFile(path);
    file.record(holding(key));
    file.close();
  }
  assert.deepEqual(readHistoryFiles([path]), [holding('a'), holding('b')]);
});

test('a line that a power cut left half written is passed over, and takes no later one with it', () => {
  const path = join(folder, 'torn.jsonl');
  const before = openHistoryFile(path);
  before.record(holding('a'));
  before.record(holding('b'));
  before.close();
  truncateSync(path, JSON.stringify(holding('a')).length + 20);
  const afterwards = openHistoryFile(path);
  afterwards.record(holding('c'));
  afterwards.close();
  assert.deepEqual(readHistoryFiles([path]), [holding('a'), holding('c')]);
});
