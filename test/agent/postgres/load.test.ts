import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLoad } from '../../../src/agent/postgres/load.ts';
import { makeClock } from '../../../src/world/clock.ts';
import { makeSql } from '../../../src/world/sql.ts';
import { settings } from '../../decide/settings.ts';
import { makeServer } from '../../traffic/support/server.ts';

test('what hangs on a primary: its clients, and how many transactions its WAL is made of; a standby is not asked', async (t) => {
  const server = await makeServer(null);
  t.after(() => server.remove());
  server.start();
  const sql = makeSql();
  const connect = async () => {
    const connected = await sql.connect(server.target, 5_000);
    assert.ok(connected.kind === 'connected');
    t.after(() => connected.session.close());
    return async (text: string) => {
      const result = await connected.session.query({ name: 'test', text }, 5_000);
      assert.ok(result.kind === 'rows', JSON.stringify(result));
    };
  };
  const [idle, busy] = [await connect(), await connect()];
  await idle('CREATE TABLE public.a (x int)');
  await idle('CHECKPOINT');
  for (let nth = 0; nth < 10; nth++) await idle('INSERT INTO public.a VALUES (1)');
  await busy('BEGIN');
  const good = settings('n1');
  const { postgres } = good.local;
  const own = {
    ...good,
    postgres: { ...good.postgres, useUnixSocket: false },
    local: {
      ...good.local,
      postgres: {
        ...postgres,
        listenAddresses: '127.0.0.1',
        port: server.port,
        database: 'postgres',
        superuser: { username: 'postgres', password: null, ssl: {} },
      },
    },
  };
  const world = { sql, clock: makeClock() };
  const load = await makeLoad(
    world,
    () => own,
    () => true,
  )();
  assert.deepEqual([load?.clients, load?.inTransaction], [2, 1]);
  assert.ok((load?.sinceCheckpoint.transactions ?? 0) >= 10, JSON.stringify(load));
  assert.ok((load?.sinceCheckpoint.walBytes ?? 0) > 500, JSON.stringify(load));
  assert.equal(
    await makeLoad(
      world,
      () => own,
      () => false,
    )(),
    null,
  );
});

test('whoever asks again and again is told the same for a while, and one that does not answer is not known', async () => {
  let nowMs = 0;
  let asks = 0;
  const clock = { ...makeClock(), now: () => nowMs as ReturnType<ReturnType<typeof makeClock>['now']> };
  const sql = {
    connect: async () => {
      asks += 1;
      return { kind: 'unreachable', why: 'down' } as const;
    },
  };
  const load = makeLoad(
    { sql, clock },
    () => settings('n1'),
    () => true,
  );
  assert.deepEqual([await load(), await load(), asks], [null, null, 1]);
  nowMs = 1_000;
  await load();
  assert.equal(asks, 2);
});
