import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeDcsReader } from '../../src/agent/dcs/reader.ts';
import { makeChance } from '../../src/world/chance.ts';
import { makeClock } from '../../src/world/clock.ts';
import { makeEtcdTransport } from '../../src/world/etcd/transport.ts';
import { bundle } from '../support/bundle.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';

const folder = mkdtempSync(join(tmpdir(), 'matriarch-ctl-'));
const configPath = join(folder, 'node1.yml');
const asked: { readonly login: string; readonly call: string }[] = [];
let main = '';
let etcd: TestEtcd;
let agent: Server;

before(async () => {
  main = await bundle('test/ctl/support/main.ts');
  etcd = await startEtcd({ members: 1 });
  agent = createServer((request, response) => {
    asked.push({ login: request.headers.authorization ?? '', call: `${request.method} ${request.url}` });
    response.end('Successfully switched over to "node2"');
  });
  await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
  const apiUrl = `http://127.0.0.1:${(agent.address() as AddressInfo).port}/patroni`;
  const settings = { endpoints: etcd.urls, srv: null, useProxies: false, username: null, password: null, tls: null };
  const world = { clock: makeClock(), chance: makeChance(), etcd: makeEtcdTransport({ tls: null }) };
  const door = makeDcsReader(world, { etcd: settings, namespace: '/service/', scope: 'demo' });
  const member = (port: number) =>
    JSON.stringify({
      conn_url: `postgres://127.0.0.1:${port}/postgres`,
      api_url: apiUrl,
      state: 'running',
      timeline: 2,
    });
  const keys = {
    initialize: '77',
    leader: 'node1',
    config: '{"ttl":30}',
    'members/node1': member(1),
    'members/node2': member(2),
  };
  for (const [key, text] of Object.entries(keys)) assert.equal((await door.put(key, text, 'any')).kind, 'done');
  writeFileSync(
    configPath,
    `scope: demo
name: node1
restapi: { listen: '127.0.0.1:8008', connect_address: '127.0.0.1:8008', authentication: { username: u, password: p } }
etcd3: { hosts: ['${etcd.urls[0]?.replace('http://', '')}'] }
postgresql:
  listen: 127.0.0.1:5432
  connect_address: 127.0.0.1:5432
  data_dir: ${folder}/data
  authentication: { replication: { username: r, password: r }, superuser: { username: s, password: s } }
`,
  );
});
after(async () => {
  await etcd?.stop();
  await new Promise((resolve) => agent?.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ctrl-C once this much was printed. */
  readonly interruptAt?: RegExp;
}

/** Without a configuration in the home directory. */
function matriarch(
  args: readonly string[],
  { input = '', env: more = {}, interruptAt }: RunOptions = {},
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, HOME: folder, ...more };
    const child = spawn(process.execPath, [main, ...args], { env });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => {
      out += data;
      if (interruptAt?.test(out)) child.kill('SIGINT');
    });
    child.stderr.on('data', (data) => {
      err += data;
    });
    child.on('close', (code) => resolve({ code, out, err }));
    child.stdin.end(input);
  });
}

test('list reads the cluster from etcd; the configuration may stand before or after the command', async () => {
  for (const args of [
    ['-c', configPath, 'list', '-f', 'tsv'],
    ['list', '-f', 'tsv', '-c', configPath],
  ]) {
    const { code, out, err } = await matriarch(args);
    assert.deepEqual({ code, err }, { code: 0, err: '' });
    assert.match(out, /^demo\tnode1\t127\.0\.0\.1:1\tLeader\trunning\t2\t/m);
  }
  const elsewhere = await matriarch([
    '-d',
    `etcd3://${etcd.urls[0]?.replace('http://', '')}/elsewhere`,
    'list',
    '-c',
    configPath,
    'nosuch',
  ]);
  assert.match(elsewhere.out, /^\+ Cluster: nosuch \(uninitialized\) /);
});

test('switchover through a pipe reaches the leader with the login of the configuration', async () => {
  const { code, out } = await matriarch(['switchover', '-c', configPath, '--primary', 'node1'], {
    input: 'node2\n\ny\n',
  });
  assert.equal(code, 0);
  assert.match(out, /\d\.\d{5} Successfully switched over to "node2"\n/);
  assert.deepEqual(asked, [{ login: `Basic ${Buffer.from('u:p').toString('base64')}`, call: 'POST /switchover' }]);
});

test('exit codes: 1 for refused and aborted, 2 for a wrong call', async () => {
  const refused = await matriarch(['switchover', '-c', configPath, '--leader', 'zz', '--force']);
  assert.deepEqual([refused.code, refused.err], [1, 'Error: Member zz is not the leader of cluster demo\n']);
  const aborted = await matriarch(['switchover', '-c', configPath]);
  assert.deepEqual([aborted.code, aborted.err], [1, 'Aborted!\n']);
  const missing = await matriarch(['list', '-c', '/nonexist']);
  assert.deepEqual(
    [missing.code, missing.err],
    [1, 'Error: Provided config file /nonexist not existing or no read rights. Check the -c/--config-file parameter\n'],
  );
  const format = await matriarch(['list', '-c', configPath, '-f', 'xml']);
  assert.equal(format.code, 2);
  assert.match(
    format.err,
    /Error: Invalid value for '--format' \/ '-f': 'xml' is not one of 'pretty', 'tsv', 'json', 'yaml', 'yml'\.\n$/,
  );
  const cluster = await matriarch(['restart', '-c', configPath]);
  assert.equal(cluster.code, 2);
  assert.match(cluster.err, /Error: Missing argument 'CLUSTER_NAME'\.\n$/);
  assert.equal((await matriarch(['list', '--nosuch'])).code, 2);
});

test('edit-config compares and swaps in etcd', async () => {
  const { code, out } = await matriarch(['edit-config', '-c', configPath, '-s', 'ttl=20', '--force']);
  assert.equal(code, 0);
  assert.match(out, /-ttl: 30\n\+ttl: 20\nConfiguration changed\n$/);
  assert.equal((await matriarch(['show-config', '-c', configPath])).out, 'ttl: 20\n\n');
});

test('another etcd needs no configuration, and a small one will do', async () => {
  const etcdHost = etcd.urls[0]?.replace('http://', '') ?? '';
  const bare = await matriarch(['-d', `etcd3://${etcdHost}`, 'list', 'demo', '-f', 'tsv']);
  assert.deepEqual({ code: bare.code, err: bare.err }, { code: 0, err: '' });
  assert.match(bare.out, /^demo\tnode1\t/m);
  assert.equal((await matriarch(['list', 'demo', '-f', 'tsv', '--dcs', etcdHost])).out, bare.out);
  assert.equal((await matriarch(['list', 'demo', '-f', 'tsv'], { env: { DCS_URL: etcdHost } })).out, bare.out);
  const consul = await matriarch(['-d', 'consul://x', 'list', 'demo']);
  assert.deepEqual([consul.code, consul.err], [1, 'Error: Unknown dcs scheme: consul\n']);
  const smallPath = join(folder, 'small.yml');
  writeFileSync(smallPath, `scope: demo\netcd3: { host: '${etcdHost}' }\n`);
  assert.match((await matriarch(['topology', '-c', smallPath])).out, /^\| \+ node2 /m);

  const nameless = await matriarch(['-d', etcdHost, 'list']);
  assert.deepEqual(nameless, { code: 0, out: '', err: 'WARNING: Listing members: No cluster names were provided\n' });
  const lost = await matriarch(['-d', etcdHost, 'show-config']);
  assert.deepEqual([lost.code, lost.err], [2, "Error: Missing argument 'CLUSTER_NAME'.\n"]);
  const nowhere = await matriarch(['list', 'demo']);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.err, /^Error: Can not find suitable configuration of distributed configuration store/);
  const node = await matriarch(['why', '-c', smallPath]);
  assert.match(node.err, /^Error: this configuration is of no node/);
});

test('a broken configuration is one line with its place', async () => {
  const path = join(folder, 'broken.yml');
  writeFileSync(path, 'scope: demo\nctl: { insecure: maybe }\n');
  const { code, err } = await matriarch(['list', '-c', path]);
  assert.deepEqual([code, err], [1, `Error: ${path}:2:8: ctl.insecure: yes or no is expected, not this text\n`]);
});

test('Ctrl-C ends a repeated list', async () => {
  const watching = await matriarch(['list', '-c', configPath, '-w', '0.1'], { interruptAt: /node2/ });
  assert.deepEqual([watching.code, watching.err], [1, '\nAborted!\n']);
});
