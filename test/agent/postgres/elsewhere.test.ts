import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast, world } from './node.ts';
import { done, streams } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

describe('tablespaces and WAL outside the data directory, on real servers', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_712);
  const n2 = makeNode(folder.path, 'n2', 19_713);
  const [theirs, space, wal] = ['space1', 'space2', 'wal2'].map((name) => `${folder.path}/${name}`) as [
    string,
    string,
    string,
  ];
  const elsewhere: readonly (readonly [string, string | null])[] = [
    ['tablespace-mapping', `${theirs}=${space}`],
    ['waldir', wal],
  ];
  const options = n2.settings.postgres as { basebackup: typeof elsewhere };
  const remove = (force: boolean) =>
    n2.perform({ kind: 'removeData', why: 'test', premise: noPremise, force, leader: force ? n1.upstream() : null });
  const clone = (signal?: AbortSignal) =>
    n2.perform(
      { kind: 'clone', from: n1.upstream(), premise: noPremise },
      { ...(signal === undefined ? {} : { signal }) },
    );
  const comesUp = async () => {
    await done(clone());
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    await done(n2.perform(stopFast));
  };
  after(async () => {
    await n1.end();
    await n2.end();
    folder.remove();
  });

  test('what is given up for a fresh copy goes there, too', async () => {
    await done(n1.perform({ kind: 'bootstrap' }));
    mkdirSync(theirs, { mode: 0o700 });
    await n1.sql(`CREATE TABLESPACE space LOCATION '${theirs}'`);
    await n1.sql(
      'CREATE TABLE public.there TABLESPACE space AS SELECT repeat(md5(a::text), 30) AS t FROM generate_series(1, 30000) AS a',
    );
    options.basebackup = elsewhere;
    await comesUp();
    mkdirSync(`${space}/PG_9.6_201608131`);
    await done(remove(true));
    assert.deepEqual(readdirSync(space), ['PG_9.6_201608131'], "another server's is left alone");
    assert.deepEqual(readdirSync(wal), []);
    const refused = await clone();
    assert.match(refused.error ?? '', /space2 holds files \(PG_9\.6_201608131\).*nothing is copied over/);
    rmSync(`${space}/PG_9.6_201608131`, { recursive: true });
    await comesUp();
  });

  test('a copy that is broken off leaves nothing there that would keep the next one from being made', async () => {
    await done(remove(true));
    options.basebackup = [...elsewhere, ['max-rate', '1M']];
    const abort = new AbortController();
    const cloning = clone(abort.signal);
    const endMs = world.clock.now() + 20_000;
    while (!existsSync(space) || readdirSync(space).length === 0) {
      assert.ok(world.clock.now() < endMs);
      await world.clock.sleep(50);
    }
    abort.abort();
    assert.equal((await cloning).ended, 'cancelled');
    assert.notDeepEqual(readdirSync(space), []);
    options.basebackup = elsewhere;
    writeFileSync(`${space}/put-there-since`, '');
    await done(n2.perform({ kind: 'removeData', why: 'test', premise: noPremise, force: true, leader: null }));
    assert.deepEqual(readdirSync(space), ['put-there-since']);
    rmSync(`${space}/put-there-since`);
    await comesUp();
  });

  test('what is set aside is so whole', async () => {
    await done(remove(false));
    assert.ok(existsSync(`${n2.settings.local.postgres.dataDir}.old/global/pg_control`));
    assert.ok(readdirSync(`${space}.old`).some((name) => name.startsWith('PG_15_')));
    assert.ok(readdirSync(`${wal}.old`).includes('archive_status'));
    await comesUp();
    writeFileSync(`${space}/of-people`, '');
    await done(remove(true));
    assert.deepEqual(readdirSync(space), ['of-people']);
  });
});
