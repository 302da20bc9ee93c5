import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { SqlSession, SqlTarget } from '../../src/model/world.ts';
import { makeSql } from '../../src/world/sql.ts';
import { binDir, clock, kill, type Machine, makeMachine, makeShop, run, until } from '../guardian/machine.ts';
import { freeze } from '../support/frozen.ts';
import { freePort } from '../support/ports.ts';

const sql = makeSql();
let shop = '';
let machine: Machine;
let target: SqlTarget;

before(async () => {
  shop = await makeShop();
  machine = makeMachine(shop, 'm');
  await machine.startPostgres();
  target = {
    host: machine.home,
    port: 5432,
    user: 'postgres',
    password: null,
    database: 'postgres',
    ssl: {},
    applicationName: 'test',
  };
});
after(async () => {
  await machine.end();
  rmSync(shop, { recursive: true, force: true });
});

const connect = async (more: Partial<SqlTarget> = {}): Promise<SqlSession> => {
  const connected = await sql.connect({ ...target, ...more }, 5_000);
  assert.ok(connected.kind === 'connected', JSON.stringify(connected));
  return connected.session;
};

test('every value comes as text, null as null; errors keep the session', async () => {
  const session = await connect({ options: '-c statement_timeout=300' });
  const text = `select 1 as i, true as b, null as n, now() is not null as t, '{1,2}'::int[] as a, $1::text as v,
    current_setting('search_path') as path, current_setting('application_name') as name`;
  assert.deepEqual(await session.query({ name: 'all', text, values: ['x'] }, 2_000), {
    kind: 'rows',
    rows: [{ i: '1', b: 't', n: null, t: 't', a: '{1,2}', v: 'x', path: 'pg_catalog', name: 'test' }],
  });
  const wrong = await session.query({ name: 'wrong', text: 'select * from nothing' }, 2_000);
  assert.ok(wrong.kind === 'error' && wrong.sqlState === '42P01');
  const slow = await session.query({ name: 'slow', text: 'select pg_sleep(9)' }, 2_000);
  assert.ok(slow.kind === 'error' && slow.sqlState === '57014', "the server's own limit");
  assert.deepEqual(await session.query({ name: 'two', text: 'select 1; checkpoint' }, 2_000), {
    kind: 'rows',
    rows: [],
  });
  session.close();
});

test('a query past its limit is lost, and the session with it', async () => {
  const session = await connect();
  let ended = 0;
  session.onEnd(() => {
    ended += 1;
  });
  const lost = await session.query({ name: 'slow', text: 'select pg_sleep(9)' }, 200);
  assert.deepEqual(lost, { kind: 'lost', why: 'slow: no answer in 200 ms' });
  await until('its end is told', () => ended === 1);
  assert.equal((await session.query({ name: 'next', text: 'select 1' }, 200)).kind, 'lost');
});

test('a backend that is killed is felt at once', async () => {
  const session = await connect();
  const ended = new Promise<void>((resolve) => session.onEnd(resolve));
  const answer = await session.query({ name: 'pid', text: 'select pg_backend_pid() as pid' }, 1_000);
  assert.ok(answer.kind === 'rows');
  machine.psql(`select pg_terminate_backend(${answer.rows[0]?.pid})`);
  await ended;
});

test('a replication connection answers its own commands', async () => {
  const session = await connect({ replication: true });
  const answer = await session.query({ name: 'identify', text: 'IDENTIFY_SYSTEM' }, 1_000);
  assert.ok(answer.kind === 'rows' && answer.rows[0]?.timeline === '1', JSON.stringify(answer));
  session.close();
});

test('why a connection does not come about: the server says no, or nobody is there, or nobody answers', async () => {
  const nobody = await sql.connect({ ...target, database: 'none' }, 2_000);
  assert.ok(nobody.kind === 'rejected' && nobody.sqlState === '3D000');
  for (const host of ['/tmp/none', '127.0.0.1']) {
    const absent = await sql.connect({ ...target, host, port: 1 }, 2_000);
    assert.equal(absent.kind, 'unreachable');
  }
  const missing = await sql.connect(
    { ...target, host: '127.0.0.1', ssl: { sslmode: 'verify-ca', sslrootcert: '/none' } },
    2_000,
  );
  assert.ok(missing.kind === 'unreachable' && /ENOENT/.test(missing.why));

  const postmaster = Number(machine.psql(`select pg_read_file('postmaster.pid')`).split('\n')[0]);
  await freeze(postmaster);
  const beganMs = clock.now();
  const frozen = await sql.connect(target, 500);
  kill(postmaster, 'SIGCONT');
  assert.equal(frozen.kind, 'unreachable');
  assert.ok(clock.now() - beganMs < 1_500);
});

test("libpq's sslmodes: encrypted where asked for or possible, verified as far as asked for", async () => {
  const m = makeMachine(shop, 'tls');
  const port = await freePort(24_000);
  const conf = `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = '${m.home}'\nfsync = off\n`;
  writeFileSync(`${m.dataDir}/postgresql.auto.conf`, `${conf}ssl = on\n`);
  const files = ['-keyout', `${m.dataDir}/server.key`, '-out', `${m.dataDir}/server.crt`];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  run(['openssl', 'req', '-new', '-x509', '-days', '2', '-nodes', '-newkey', 'rsa:2048', ...files, ...names]);
  m.start([`${binDir}/postgres`, '-D', m.dataDir]);
  const to = (host: string, ssl: SqlTarget['ssl']): SqlTarget => ({ ...target, host, port, ssl });
  const encrypted = async (host: string, ssl: SqlTarget['ssl']): Promise<string> => {
    const connected = await sql.connect(to(host, ssl), 3_000);
    if (connected.kind !== 'connected') return connected.kind;
    const text = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
    const answer = await connected.session.query({ name: 'ssl', text }, 2_000);
    connected.session.close();
    return answer.kind === 'rows' ? String(answer.rows[0]?.ssl) : answer.kind;
  };
  try {
    await until('it answers', () =>
      run(['sh', '-c', `${binDir}/pg_isready -h ${m.home} -p ${port} || true`]).includes('accepting'),
    );
    const sslrootcert = `${m.dataDir}/server.crt`;
    assert.equal(await encrypted('127.0.0.1', {}), 't');
    assert.equal(await encrypted(m.home, { sslmode: 'verify-full' }), 'f', 'no TLS on unix sockets');
    assert.equal(await encrypted('127.0.0.1', { sslmode: 'disable' }), 'f');
    assert.equal(await encrypted('127.0.0.1', { sslmode: 'require' }), 't');
    assert.equal(await encrypted('127.0.0.1', { sslmode: 'verify-ca', sslrootcert }), 't');
    assert.equal(await encrypted('127.0.0.1', { sslmode: 'verify-full', sslrootcert }), 'unreachable', 'not its name');
    assert.equal(await encrypted('localhost', { sslmode: 'verify-full', sslrootcert }), 't');
    assert.equal(await encrypted('127.0.0.1', { sslmode: 'verify-ca' }), 'unreachable', 'nobody vouches for it');
    run(['sh', '-c', `echo 'ssl = off' >>${m.dataDir}/postgresql.auto.conf`]);
    m.psqlAt(port, 'select pg_reload_conf()');
    await until('TLS is off', () => m.psqlAt(port, 'show ssl') === 'off');
    assert.equal(await encrypted('127.0.0.1', {}), 'f', 'prefer');
    assert.equal(await encrypted('127.0.0.1', { sslmode: 'require' }), 'unreachable');
  } finally {
    await m.end();
  }
});
