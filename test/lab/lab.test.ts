import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { library, offsetFile, postgresByFakeClock } from '../../src/lab/faults/fakeClock.ts';
import { type Lab, makeLab } from '../../src/lab/lab.ts';
import { isAlive } from '../../src/lab/procfs.ts';
import { run, until } from '../../src/lab/run.ts';
import { lastingTraces } from './traces.ts';

const root = process.getuid?.() === 0;
const options = { skip: root ? false : 'machines of namespaces need root' };
const portBase = 20_000 + (process.pid % 900);
/** Stands in for the agent: runs until it is killed, and has the configuration file among its words. */
const agentCommand = 'tail -f {config}';

let lab: Lab;
const newDir = (): string => {
  const dir = mkdtempSync('/tmp/matriarch-labtest-');
  rmdirSync(dir);
  return dir;
};

before(async () => {
  if (root) lab = await makeLab({ dir: newDir(), agentCommand, portBase });
});
after(async () => {
  if (!root) return;
  await lab.down();
  assert.deepEqual(await lastingTraces(lab.dir), []);
});

const say = async (node: string, script: string): Promise<string> => {
  const { code, stdout, stderr } = await lab.node(node).exec(['sh', '-c', script]);
  assert.equal(code, 0, `${script}: ${stderr}`);
  return stdout.trim();
};
/** Whether a server answers, by the agent of nothing but bash. */
const reaches = async (from: string, host: string, port: number): Promise<boolean> => {
  const { code } = await lab.node(from).exec(['timeout', '1', 'bash', '-c', `: </dev/tcp/${host}/${port}`]);
  return code === 0;
};
const etcdOn = (node: string): Promise<true | null> =>
  until(async () => ((await reaches(node, '127.0.0.1', 2379)) ? true : null), 5000);

test('every machine has a name, an address, files and processes of its own', options, async () => {
  assert.equal(await say('node1', 'hostname; cat /etc/hostname'), 'node1\nnode1');
  await say('node1', 'touch /tmp/mine /var/lib/postgresql/mine /run/postgresql/mine /dev/shm/mine');
  const paths = '/tmp /var/lib/postgresql /run/postgresql /dev/shm';
  assert.equal(await say('node2', `find ${paths} -name mine`), '');
  assert.match(await say('node2', 'ip -brief address show eth0'), /10\.77\.0\.12\/24/);
  assert.equal(await say('node2', 'ps -e -o args= | grep -c "[e]tcd --name"'), '1');
  assert.match(await say('node1', 'cat /etc/postgresql/matriarch.yml'), /name: "node1"/);
  assert.equal(await say('node1', 'ls /dev | grep -c watchdog || true'), '0');
});

test('processes run as postgres, the agent with its file', options, async () => {
  assert.equal(await say('node1', 'ps -o user= -p $(pgrep -f "^tail -f")'), 'postgres');
  assert.equal(await say('node1', 'ps -o user= -C etcd'), 'postgres');
});

test('three members of etcd make a cluster', options, async () => {
  const health = await until(async () => {
    const script = 'etcdctl --endpoints=node1:2379,node2:2379,node3:2379 endpoint health 2>&1';
    const { stdout } = await lab.node('client').exec(['sh', '-c', script]);
    return stdout.match(/is healthy/g)?.length === 3 ? stdout : null;
  }, 10_000);
  assert.notEqual(health, null);
});

test('a cut cable separates a machine from all others, and only it', options, async () => {
  assert.notEqual(await etcdOn('node1'), null);
  await lab.node('node1').cut();
  assert.equal(await reaches('node1', 'node2', 2379), false);
  assert.equal(await reaches('client', 'node1', 2379), false);
  assert.equal(await reaches('node1', '127.0.0.1', 2379), true);
  assert.equal(await reaches('node3', 'node2', 2379), true);
  assert.equal((await lab.status()).machines[0]?.cable, 'out');
  await lab.node('node1').heal();
  // A neighbour that did not answer while the cable was out is asked again only after a second.
  assert.notEqual(await until(async () => ((await reaches('node1', 'node2', 2379)) ? true : null), 5000), null);
});

test('power off kills everything on the machine at once, and its disk survives', options, async () => {
  const node = lab.node('node2');
  await say('node2', 'echo kept >/var/lib/postgresql/kept; echo lost >/run/lost');
  const alive = node.machine.processes();
  assert.ok(alive.length >= 4, 'process 1, its sleep, etcd and the agent');
  await node.powerOff();
  assert.deepEqual(alive.filter(isAlive), []);
  assert.equal((await lab.status()).machines[1]?.power, 'off');
  await node.powerOn();
  assert.equal(await say('node2', 'cat /var/lib/postgresql/kept; ls /run/lost 2>/dev/null || echo gone'), 'kept\ngone');
  assert.notEqual(await etcdOn('node2'), null);
  assert.notEqual(await until(async () => ((await reaches('node1', 'node2', 2379)) ? true : null), 5000), null);
  assert.notEqual(node.process('agent'), null);
});

test('a cable that is cut stays cut over a loss of power', options, async () => {
  await lab.node('node2').cut();
  await lab.node('node2').powerOff();
  await lab.node('node2').powerOn();
  assert.equal(await reaches('node1', 'node2', 2379), false);
  await lab.node('node2').heal();
  assert.notEqual(await until(async () => ((await reaches('node1', 'node2', 2379)) ? true : null), 5000), null);
});

test('a service is killed, frozen, thawed and started again', options, async () => {
  const node = lab.node('node3');
  await node.freeze('agent');
  assert.equal(node.process('agent')?.state, 'stopped');
  assert.equal((await lab.status()).machines[2]?.processes.agent, 'frozen');
  await node.thaw('agent');
  await node.kill('agent');
  assert.notEqual(await until(() => (node.process('agent') === null ? true : null), 2000), null);
  await assert.rejects(node.kill('agent'), /agent does not run on node3/);
  await node.start('agent');
  assert.notEqual(await until(() => node.process('agent'), 2000), null);
});

test('a full disk is one machine’s own trouble', options, async () => {
  const { code } = await lab.node('node1').exec(['sh', '-c', 'head -c 4G /dev/zero >/var/lib/postgresql/full']);
  assert.notEqual(code, 0);
  await say('node1', 'rm /var/lib/postgresql/full');
  await say('node2', 'echo fits >/var/lib/postgresql/fits');
});

const faked = existsSync(library) ? options : { skip: 'libfaketime is not installed' };
test('a server of PostgreSQL goes by the clock that was set, and nothing else on its machine does', faked, async () => {
  const data = '/var/lib/postgresql/clock';
  const said = await say(
    'node2',
    `echo +3600 >${offsetFile}
     setpriv --reuid=postgres --regid=postgres --init-groups sh -ec '
       initdb -D ${data} --no-sync >/dev/null
       echo "select extract(epoch from clock_timestamp())::bigint as now" |
         ${postgresByFakeClock}/postgres --single -D ${data} postgres'
     date +%s; rm -r ${data} ${offsetFile}`,
  );
  const [server, machine] = [/now = "(\d+)"/.exec(said)?.[1], /(\d+)$/.exec(said)?.[1]].map(Number);
  assert.ok(server !== undefined && machine !== undefined);
  assert.ok(Math.abs(server - machine - 3_600) < 30, `${server} and ${machine}`);
  assert.ok(Math.abs(machine - Date.now() / 1_000) < 30);
});

test('the client’s HAProxy answers on the host’s loopback', options, async () => {
  const page = await until(async () => {
    const reply = await fetch(`http://127.0.0.1:${portBase + 2000}/`).catch(() => null);
    return reply === null ? null : reply.text();
  }, 5000);
  assert.match(page ?? '', /Statistics Report for HAProxy/);
});

test('a command on a machine ends with its limit', options, async () => {
  const node = lab.node('node1');
  const { code } = await node.exec(['sleep', '98765'], { limitMs: 300 });
  assert.equal(code, null);
  const left = await until(
    () => (node.machine.processes().some(({ argv }) => argv.includes('98765')) ? null : true),
    2000,
  );
  assert.notEqual(left, null);
});

test('a port that is taken is named, and nothing is left of the attempt', options, async () => {
  const dir = newDir();
  const base = portBase + 5000;
  const server = createServer();
  await new Promise<void>((done) => server.listen(base + 1, '127.0.0.1', done));
  await assert.rejects(
    makeLab({ dir, agentCommand, portBase: base }),
    new RegExp(`port ${base + 1} of 127.0.0.1 is taken.*--port-base`),
  );
  server.close();
  assert.deepEqual(await lastingTraces(dir), []);
});

test('taken down while it is being made, it leaves nothing', options, async () => {
  for (const waitMs of [0, 60, 150, 300]) {
    const dir = newDir();
    let down: () => Promise<void> = async () => {};
    const making = makeLab({ dir, agentCommand, portBase: null, began: (end) => (down = end) });
    making.catch(() => {});
    await new Promise((done) => setTimeout(done, waitMs));
    await down();
    assert.deepEqual(await lastingTraces(dir), [], `after ${waitMs} ms`);
  }
});

test('the host sees no address of the lab', options, async () => {
  const { stdout } = await run(['ip', '-brief', 'address']);
  assert.doesNotMatch(stdout, /10\.77\.0\./);
});
