import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast } from './node.ts';
import { done } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** An agent died in a job; before the next one looks, people have put whole data in its place. */
describe('what an interrupted job left its mark on', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_710);
  const n2 = makeNode(folder.path, 'n2', 19_711);
  const { stateDir } = n1.settings.local;
  const { dataDir } = n1.settings.local.postgres;
  const mark = (left: string, more: object = {}) =>
    writeFileSync(`${stateDir}/job.json`, `${JSON.stringify({ left, ...more })}\n`, { mode: 0o600 });
  after(async () => {
    await n1.end();
    await n2.end();
    folder.remove();
  });

  test('whole data under the mark of a base backup or of initdb may be what people put there', async () => {
    await done(n1.perform({ kind: 'bootstrap' }));
    await done(n1.perform(stopFast));
    for (const left of ['basebackup', 'initdb'] as const) {
      mark(left);
      assert.deepEqual(await n1.postgres.look(), { kind: 'partialData', left, mayBeWhole: true });
    }
    mark('rewind');
    assert.deepEqual(await n1.postgres.look(), { kind: 'partialData', left: 'rewind' });
    writeFileSync(`${dataDir}/backup_label`, 'START WAL LOCATION: 0/2000028\n');
    mark('basebackup');
    assert.deepEqual(await n1.postgres.look(), { kind: 'partialData', left: 'basebackup' });
    await n1.perform({ kind: 'removeData', why: 'test', premise: noPremise, force: false, leader: null });
    assert.ok(existsSync(`${dataDir}.old/global/pg_control`));
  });

  test('a removal begins with the control file: while that is there, nothing is gone', async () => {
    await done(n1.perform({ kind: 'bootstrap' }));
    mark('removal');
    await done(n1.perform(stopFast));
    assert.equal((await n1.postgres.look()).kind, 'stopped');
    await done(n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 }));
    assert.ok(!existsSync(`${stateDir}/job.json`), 'and it is not found again much later');
    await done(n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise }));
    const removed = {
      kind: 'removeData',
      why: 'test',
      premise: noPremise,
      force: true,
      leader: n1.upstream(),
    } as const;
    await done(n2.perform(removed));
    assert.deepEqual(readdirSync(n2.settings.local.postgres.dataDir), []);
    await done(n1.perform(stopFast));
  });

  test('the mark is of another data directory: nothing is touched', async () => {
    mark('basebackup', { dataDir: `${dataDir}.before` });
    const seen = await n1.postgres.look();
    assert.ok(seen.kind === 'unreadable' && seen.why.includes(`died in ${dataDir}.before`), JSON.stringify(seen));
    mark('basebackup', { dataDir });
    assert.equal((await n1.postgres.look()).kind, 'partialData');
  });
});
