import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, test } from 'node:test';
import { startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { makeNode, type Node } from './node.ts';

let etcd: TestEtcd;
const nodes: Node[] = [];
before(async () => {
  etcd = await startEtcd({ members: 1 });
  const ctl = (...args: string[]): void => {
    const env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: etcd.urls.join(',') };
    execFileSync('etcdctl', args, { env, stdio: 'ignore' });
  };
  ctl('user', 'add', 'root:secret');
  ctl('user', 'grant-role', 'root', 'root');
  ctl('auth', 'enable');
});
after(() => etcd.stop());
afterEach(() => {
  for (const node of nodes.splice(0)) node.close();
});

function node(password: string): Node {
  const made = makeNode('a', etcd.urls, { scope: 'auth', login: { username: 'root', password } });
  nodes.push(made);
  return made;
}

test('a token is fetched, used for calls and watch, and fetched anew when etcd has forgotten it', {
  timeout: 20_000,
}, async () => {
  const { dcs, ...a } = node('secret');
  assert.equal((await a.lead()).kind, 'done');
  dcs.start();
  await a.woken('relist');
  const [member] = etcd.members;
  member?.signal('SIGKILL');
  await member?.restart();
  const woken = a.woken('failover');
  assert.equal((await dcs.put('failover', '{"member":"b"}', 'any', 5_000)).kind, 'done');
  await woken;
  assert.equal((await dcs.renew(5_000)).kind, 'done');
});

test('a wrong password is said, not retried for ever, and never taken for a lost lease', async () => {
  const { dcs } = node('wrong');
  const view = await dcs.read(2_000);
  assert.ok(view.kind === 'unreachable' && /authenticat/.test(view.why), JSON.stringify(view));
  const other = node('secret');
  await other.lead();
});
