import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { timeline } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** PostgreSQL would not start with one wrong word among its parameters, and at a reload take none of the others. */
describe('a wrong word among the parameters', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_448);
  after(async () => {
    await n1.end();
    folder.remove();
  });
  const set = (changes: Record<string, string | undefined>): void => {
    const parameters: Record<string, string> = n1.settings.postgres.parameters;
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) delete parameters[name];
      else parameters[name] = value;
    }
  };
  const start = () => n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 });

  test('costs a start one more try, and is told', async () => {
    assert.equal((await n1.perform({ kind: 'bootstrap' })).error, null);
    await n1.stop();
    set({
      work_men: '64MB',
      maintenance_work_mem: 'lots',
      effective_cache_size: '64MB',
      max_locks_per_transaction: '1',
    });
    assert.equal((await start()).error, null);
    assert.equal(await n1.sql('SHOW effective_cache_size'), '64MB');
    for (const name of ['work_men', 'maintenance_work_mem', 'max_locks_per_transaction'])
      assert.ok(
        n1.notes.some((note) => note.startsWith(`the parameter ${name} is left out`)),
        n1.notes.join('\n'),
      );
    await n1.postgres.look();
  });

  test('does not keep a running server from the rest, and is tried again once it is another', async () => {
    n1.notes.length = 0;
    set({ work_men: '65MB', effective_cache_size: '65MB', maintenance_work_mem: '17MB' });
    assert.equal((await n1.postgres.applyConfiguration(false)).kind, 'done');
    await shows('effective_cache_size', '65MB');
    await shows('maintenance_work_mem', '17MB');
    assert.deepEqual(
      n1.notes.filter((note) => note.startsWith('the parameter')).map((note) => note.split(' ')[2]),
      ['work_men'],
    );
    n1.notes.length = 0;
    set({ effective_cache_size: '66MB' });
    await n1.postgres.applyConfiguration(false);
    await shows('effective_cache_size', '66MB');
    assert.deepEqual(n1.notes, [], 'told once');
  });

  test("of somebody else's file is not held against ours", async () => {
    const auto = `${n1.settings.local.postgres.dataDir}/postgresql.auto.conf`;
    const before = readFileSync(auto, 'utf8');
    writeFileSync(auto, `${before}maintenance_work_mem = 'lots'\n`);
    set({ effective_cache_size: '67MB' });
    await n1.postgres.applyConfiguration(false);
    writeFileSync(auto, before);
    set({ effective_cache_size: '68MB' });
    await n1.postgres.applyConfiguration(true);
    await shows('effective_cache_size', '68MB');
    assert.equal(await n1.sql('SHOW maintenance_work_mem'), '17MB');
  });

  test('may be one line or several, with whatever in it', async () => {
    const value = `first 'quoted' \\\\ line\nsecond\r\n`;
    set({ 'app.words': value });
    await n1.postgres.applyConfiguration(false);
    await shows('app.words', value);
    await n1.stop();
    assert.equal((await start()).error, null);
    await shows('app.words', value);
  });

  test('among the access rules keeps neither the server from starting, nor the rules that were there from counting', async () => {
    const { postgres } = n1.settings as { postgres: { pgHba: readonly string[] | null } };
    const good = ['host all all 127.0.0.1/32 md5', 'local all all md5'];
    const inForce = () => n1.sql("SELECT count(*) || ' ' || count(error) FROM pg_hba_file_rules");
    postgres.pgHba = good;
    await n1.postgres.applyConfiguration(false);
    assert.equal(await inForce(), '2 0');
    n1.notes.length = 0;
    postgres.pgHba = [...good, 'host all all anywhere', 'garbage'];
    await n1.postgres.applyConfiguration(false);
    await n1.postgres.applyConfiguration(false);
    assert.equal(await inForce(), '2 0');
    const told = /^postgresql.pg_hba is left out as a whole/;
    assert.deepEqual(
      n1.notes.map((note) => told.test(note)),
      [true],
      'told once',
    );
    await n1.stop();
    assert.equal((await start()).error, null, 'nothing wrong was left on disk');
    await n1.stop();
    postgres.pgHba = [...good, 'garbage', 'garbage too'];
    assert.equal((await start()).error, null, 'not even when it comes with a start');
    assert.equal(await inForce(), '2 0');
    assert.deepEqual(
      n1.notes.map((note) => told.test(note)),
      [true, true],
    );
    postgres.pgHba = [...good, 'host all all ::1/128 md5'];
    await n1.postgres.applyConfiguration(false);
    assert.equal(await inForce(), '3 0');
    postgres.pgHba = null;
  });

  test('is looked for in what the server said at this start, and nowhere else', async () => {
    set({ work_men: undefined, work_mem: '5MB' });
    await n1.stop();
    const log = `${n1.settings.local.stateDir}/postgres.log`;
    appendFileSync(log, Buffer.alloc(600, 0xe9)); // no UTF-8
    appendFileSync(log, '\nLOG:  invalid value for parameter "work_mem": "abc"\n');
    const { port } = n1.settings.local.postgres;
    const squatter = createServer();
    await new Promise<void>((resolve) => void squatter.listen(port, '127.0.0.1', resolve));
    assert.match((await start()).error ?? '', /in use|could not/);
    await new Promise((resolve) => squatter.close(resolve));
    assert.equal((await start()).error, null);
    assert.equal(await n1.sql('SHOW work_mem'), '5MB');
  });

  test('is forgiven where something else keeps the server from starting', async () => {
    await n1.stop();
    n1.notes.length = 0;
    set({ timezone: 'Mars/Base', shared_preload_libraries: 'no_such_library', work_mem: 'lots' });
    assert.match((await start()).error ?? '', /no_such_library/);
    set({ timezone: 'UTC', shared_preload_libraries: '', work_mem: '6MB' });
    assert.equal((await start()).error, null);
    set({ timezone: 'Mars/Base' });
    await n1.stop();
    assert.equal((await start()).error, null);
    assert.ok(n1.notes.some((note) => note.startsWith('the parameter timezone is left out')));
    assert.equal(await n1.sql('SHOW work_mem'), '6MB');
  });

  test('of somebody else is not held against ours for good, where the server could not start for it', async () => {
    const auto = `${n1.settings.local.postgres.dataDir}/postgresql.auto.conf`;
    const before = readFileSync(auto, 'utf8');
    await n1.stop();
    writeFileSync(auto, `${before}maintenance_work_mem = 'lots'\n`);
    assert.match((await start()).error ?? '', /maintenance_work_mem|contains errors/);
    writeFileSync(auto, before);
    assert.equal((await start()).error, null);
    assert.equal(await n1.sql('SHOW maintenance_work_mem'), '17MB');
  });

  test('is no line that goes with a promotion: nothing is told of it, and nothing waits for a restart', async () => {
    await n1.stop();
    assert.equal((await n1.perform({ kind: 'startStandby', upstream: null })).error, null);
    const promotion = { kind: 'promote', premise: noPremise, mine: timeline(1), taken: timeline(1) } as const;
    assert.equal((await n1.perform(promotion)).error, null);
    n1.notes.length = 0;
    await n1.postgres.look();
    set({ effective_cache_size: '69MB' });
    assert.equal((await n1.postgres.applyConfiguration(true)).kind, 'done');
    await shows('effective_cache_size', '69MB');
    const seen = await n1.postgres.look();
    assert.ok(seen.kind === 'running');
    const waiting = Object.keys(seen.pendingRestart).filter((name) => name.startsWith('recovery'));
    assert.deepEqual([waiting, n1.notes], [[], []]);
  });

  async function shows(name: string, value: string): Promise<void> {
    for (let tries = 0; tries < 100; tries += 1) {
      if ((await n1.sql(`SHOW ${name}`)) === value) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(await n1.sql(`SHOW ${name}`), value);
  }
});
