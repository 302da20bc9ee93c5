import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pid } from '../../src/model/units.ts';
import type { SqlSession } from '../../src/model/world.ts';
import { places } from '../../src/sim/settings.ts';
import { drive } from './drive.ts';
import { postgresLab as lab, start as launch, run } from './postgresLab.ts';

const data = places.dataDir;
type Lab = ReturnType<typeof lab>;
const start = ({ world }: Lab['a']): Promise<void> => launch(world);

async function session({ world }: Lab['a'], host = '/tmp'): Promise<SqlSession> {
  const ssl = {};
  const target = { host, port: 5432, user: 'u', password: null, database: 'd', ssl, applicationName: 'test' };
  const made = await world.sql.connect(target, 1000);
  if (made.kind !== 'connected') throw new Error(`${made.kind}`);
  return made.session;
}
const write = async (to: SqlSession, value: string) =>
  (await to.query({ name: 'sim.write', text: '', values: ['k', value] }, 2000)).kind;
const read = async (from: SqlSession): Promise<string> => {
  const result = await from.query({ name: 'sim.read', text: '', values: ['k'] }, 2000);
  return result.kind === 'rows' ? result.rows.map((row) => row.value).join() : result.kind;
};
const pidOf = (side: Lab['a']): Pid => {
  const server = side.machine.processes
    .all()
    .find((one) => one.executable().endsWith('/postgres') && one.parent() < one.pid);
  if (server === undefined) throw new Error('no postmaster');
  return server.pid;
};

async function pair(place: Lab): Promise<void> {
  const { a, b } = place;
  assert.match(await run(a.world, 'initdb', '-D', data, '--data-checksums'), /^0/);
  await start(a);
  assert.match(await run(b.world, 'pg_basebackup', '-D', data, '-h', 'a', '-p', '5432'), /^0/);
  await b.world.files.write(`${data}/standby.signal`, '', 0o600);
  await b.world.files.write(
    `${data}/postgresql.conf`,
    "primary_conninfo = 'host=a port=5432 application_name=b'\n",
    0o600,
  );
  await start(b);
}

test('what is written streams to a standby; a synchronous commit waits for it', async () => {
  const place = lab(1);
  await drive(
    place.engine,
    (async () => {
      await pair(place);
      const { a, b } = place;
      const [onA, onB] = [await session(a), await session(b)];
      assert.equal(await write(onA, '1'), 'rows');
      await a.world.clock.sleep(100);
      assert.equal(await read(onB), '1');
      assert.equal(await write(onB, 'x'), 'error');
      await a.world.files.write(`${data}/postgresql.conf`, "synchronous_standby_names = 'b'\n", 0o600);
      a.world.processes.signal(pidOf(a), 'HUP');
      await a.world.clock.sleep(100); // the checkpointer tells the others
      assert.equal(await write(onA, '2'), 'rows');
      place.network.isolate('b');
      assert.equal(await write(onA, '3'), 'lost');
      place.network.heal();
    })(),
  );
});

test('a killed primary recovers what it acknowledged; a promoted standby forks, and the old one can be rewound', async () => {
  const place = lab(2);
  await drive(
    place.engine,
    (async () => {
      await pair(place);
      const { a, b } = place;
      const first = await session(a);
      assert.equal(await write(first, '1'), 'rows');
      await a.world.clock.sleep(100);
      place.network.isolate('b');
      assert.equal(await write(first, 'only on a'), 'rows');
      await b.world.files.write(`${data}/promote`, '', 0o600);
      b.world.processes.signal(pidOf(b), 'USR1');
      await b.world.clock.sleep(2000);
      assert.equal(await write(await session(b), '2'), 'rows');
      assert.match(await run(b.world, 'pg_controldata', data), /TimeLineID: +2\n/);
      assert.equal(await b.world.files.read(`${data}/pg_wal/00000002.history`).then((file) => file.kind), 'text');

      let ended = false;
      first.onEnd(() => {
        ended = true;
      });
      a.world.processes.signal(pidOf(a), 'KILL');
      await a.world.clock.sleep(50);
      assert.ok(ended);
      assert.match(await run(a.world, 'pg_controldata', data), /state: +in production/);
      await start(a);
      assert.equal(await read(await session(a)), '1,only on a');
      a.world.processes.signal(pidOf(a), 'INT');
      await a.world.clock.sleep(1000);
      assert.match(await run(a.world, 'pg_controldata', data), /state: +shut down\n/);
      place.network.heal();
      assert.match(
        await run(a.world, 'pg_rewind', '--target-pgdata', data, '--source-server', 'host=b port=5432'),
        /^0 .*Done/s,
      );
      await a.world.files.write(`${data}/standby.signal`, '', 0o600);
      await a.world.files.write(`${data}/postgresql.conf`, "primary_conninfo = 'host=b port=5432'\n", 0o600);
      await start(a);
      assert.equal(await write(await session(b), '3'), 'rows');
      await a.world.clock.sleep(200);
      assert.equal(await read(await session(a)), '1,2,3');
    })(),
  );
});

test('a standby that went on past the fork is refused, and stays behind', async () => {
  const place = lab(3);
  await drive(
    place.engine,
    (async () => {
      await pair(place);
      const { a, b } = place;
      place.network.isolate('b');
      await write(await session(a), 'only on a');
      await b.world.files.write(`${data}/promote`, '', 0o600);
      b.world.processes.signal(pidOf(b), 'USR1');
      await b.world.clock.sleep(1000);
      a.world.processes.signal(pidOf(a), 'QUIT');
      await a.world.clock.sleep(1000);
      place.network.heal();
      await a.world.files.write(`${data}/standby.signal`, '', 0o600);
      await a.world.files.write(`${data}/postgresql.conf`, "primary_conninfo = 'host=b port=5432'\n", 0o600);
      await start(a);
      await a.world.clock.sleep(2000);
      assert.ok(place.trace.some((line) => line.includes('before current recovery point')));
    })(),
  );
});
