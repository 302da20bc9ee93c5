import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOfOneOrigin, ownHistory } from '../../../src/agent/postgres/jobs/lineage.ts';
import { standIn } from '../../../src/agent/postgres/jobs/taken.ts';
import type { PostgresParts } from '../../../src/agent/postgres/parts.ts';
import { readHistoryFile } from '../../../src/codec/postgres/historyFile.ts';
import { timeline } from '../../../src/model/units.ts';

/** A directory in which pg_wal has that history file and no other. */
const partsWith = (name: string, text: string) =>
  ({
    places: () => ({ dataDir: '/data' }),
    world: {
      files: {
        read: async (path: string) => (path === `/data/pg_wal/${name}` ? { kind: 'text', text } : { kind: 'absent' }),
      },
    },
  }) as unknown as PostgresParts;
const leads = { earlier: readHistoryFile('1\t0/3000000\tx\n2\t0/5000000\tx\n3\t0/7000000\tx\n') };

/** Whether what is in that file is of the leader's own history. */
async function isOne(name: string, text: string, on: number): Promise<boolean> {
  return isOfOneOrigin(await ownHistory(partsWith(name, text), timeline(on)), leads);
}

test('a timeline is told from another of its number by what was before it', async () => {
  assert.equal(await isOne('00000003.history', '1\t0/3000000\tno recovery\n2\t0/5000000\tno recovery\n', 3), true);
  assert.equal(await isOne('00000003.history', '1\t0/3000000\tx\n2\t0/5000028\tx\n', 3), false, 'ended elsewhere');
  assert.equal(await isOne('00000003.history', '1\t0/5000000\tx\n', 3), false, 'never on 2');
});

test('what does not tell gives no verdict: a healthy standby would be taken for one that has to be copied anew', async () => {
  assert.equal(await isOne('00000002.history', 'x', 3), true, 'no such file');
  assert.equal(await isOne('00000003.history', 'garbage', 3), true);
  // On the way to a later timeline through one of which the leader has no file itself.
  assert.equal(await isOne('00000003.history', standIn(timeline(1)), 3), true);
  assert.equal(await isOne('00000001.history', '', 1), true);
});
