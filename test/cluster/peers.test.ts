import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage, sleep } from './stage.ts';

/** What people have around Patroni, pointed at this cluster: patronictl, HAProxy, and a member that runs Patroni itself. */
let stage: Stage;
let acts: Acts;
before(async () => {
  // A Patroni member never leads where the watchdog is required and missing.
  stage = await makeStage({
    ttlS: 20,
    loopWaitS: 2,
    retryTimeoutS: 5,
    extraConfig: () => ({ watchdog: { mode: 'off' } }),
  });
  acts = actsOn(stage);
});
after(() => stage?.end());

const configPath = '/etc/postgresql/matriarch.yml';
const patronictl = (node: string, args: readonly string[]) =>
  stage.lab.node(node).exec(['patronictl', '-c', configPath, ...args], { limitMs: 60_000 });

async function through(port: number): Promise<{ readonly address: string; readonly inRecovery: string } | null> {
  const { plan, client } = stage.lab;
  const ran = await client.exec(
    [
      'psql',
      '-h',
      plan.client.listen === '0.0.0.0' ? '127.0.0.1' : plan.client.listen,
      '-p',
      String(port),
      '-U',
      'postgres',
      '-AtX',
      '-F,',
      '-c',
      'select inet_server_addr(), pg_is_in_recovery()',
    ],
    { env: { PGPASSWORD: 'vagrant', PGCONNECT_TIMEOUT: '2' }, limitMs: 5_000 },
  );
  const [address = '', inRecovery = ''] = ran.stdout.trim().split(',');
  return ran.code === 0 ? { address, inRecovery } : null;
}
const addressOf = (node: string): string => stage.lab.node(node).machine.plan.address;

test('HAProxy sends writes to the primary and reads to the replicas, in turn', async () => {
  const leader = await stage.healthy();
  const { writes, reads } = stage.lab.plan.haproxy;
  await stage.until(
    async () => (await through(writes))?.address === addressOf(leader),
    15_000,
    'writes reach the primary',
  );
  const seen = new Set<string>();
  await stage.until(
    async () => {
      const answer = await through(reads);
      assert.notEqual(answer?.inRecovery, 'f', 'reads do not reach the primary');
      if (answer !== null) seen.add(answer.address);
      return seen.size === 2;
    },
    15_000,
    'reads reach both replicas',
  );
});

test("Debian's patronictl lists the cluster", async () => {
  const leader = await stage.healthy();
  const listed = await patronictl('node1', ['list', '--format', 'json']);
  assert.equal(listed.code, 0, listed.stderr);
  const members = JSON.parse(listed.stdout) as readonly Readonly<Record<string, unknown>>[];
  // 3.0.2 does not know the state "streaming" yet.
  assert.deepEqual(
    members.map(({ Member, Role, State }) => [Member, Role, State]),
    stage.lab.nodes.map(({ name }) => [name, name === leader ? 'Leader' : 'Replica', 'running']),
  );
});

test("Debian's patronictl performs a switchover, and HAProxy follows", async () => {
  const leader = await stage.healthy();
  const [candidate = ''] = await stage.standbys();
  const asked = await patronictl(leader, ['switchover', '--master', leader, '--candidate', candidate, '--force']);
  assert.equal(asked.code, 0, asked.stderr);
  assert.match(asked.stdout, new RegExp(`Successfully switched over to "${candidate}"`));
  await acts.rowArrives();
  assert.equal(await stage.healthy(), candidate);
  await stage.until(
    async () => (await through(stage.lab.plan.haproxy.writes))?.address === addressOf(candidate),
    20_000,
    'writes reach the new primary',
  );
  await acts.lawful();
});

test('a member that runs Patroni streams across a switchover and a lost renewal, and takes over when ours die', async () => {
  const leader = await stage.healthy();
  const [other = '', guest = ''] = await stage.standbys();
  const guestNode = stage.lab.node(guest);
  await guestNode.kill('agent', 'TERM');
  await acts.gone(guest, 20_000);
  await guestNode.machine.launch(['patroni', configPath], {
    user: 'postgres',
    logPath: stage.lab.logPath(guest, 'patroni'),
  });
  await stage.until(async () => (await memberVersion(guest)) === '3.0.2', 30_000, `${guest} runs Patroni 3.0.2`);
  await acts.rowArrives();

  const asked = await patronictl(guest, ['switchover', '--master', leader, '--candidate', other, '--force']);
  assert.match(asked.stdout, new RegExp(`Successfully switched over to "${other}"`), asked.stderr);
  await acts.rowArrives();

  // Long enough to lose renewals, too short to lose the lease.
  await stage.lab.node(other).freeze('agent');
  await sleep(8_000);
  await stage.lab.node(other).thaw('agent');
  assert.equal(await stage.healthy(), other);
  await acts.rowArrives();
  await acts.lawful();

  // Without etcd a Patroni promises as ours do, and ours goes on by that.
  for (const name of [guest, leader]) await stage.lab.node(name).kill('etcd');
  for (const name of [other, guest])
    await stage.until(
      async () => (await statusOf(name)).failsafe_mode_is_active === true,
      30_000,
      `${name} is in failsafe mode`,
    );
  for (const name of [guest, leader]) await stage.lab.node(name).start('etcd');
  await acts.rowArrives();
  assert.equal(await stage.healthy(), other);
  await acts.lawful();

  for (const name of [leader, other]) {
    await stage.lab.node(name).kill('agent');
    await stage.lab.node(name).kill('postgres');
  }
  await acts.takenOverFrom(other, 60_000, async () => {
    for (const name of [leader, other]) await stage.lab.node(name).start('agent');
  });
  assert.equal(await stage.healthy(), guest);
  await acts.lawful();
});

interface Status {
  readonly patroni: { readonly version: string };
  readonly failsafe_mode_is_active?: boolean;
}
async function statusOf(node: string): Promise<Status> {
  const { stdout } = await stage.lab.node(node).exec(['curl', '-s', 'http://localhost:8008/patroni']);
  return JSON.parse(stdout);
}
const memberVersion = async (node: string): Promise<string> => (await statusOf(node)).patroni.version;
