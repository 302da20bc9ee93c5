import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage, sleep } from './stage.ts';

/** What operators do on a quiet day, and what they get wrong. One lab, one day after the other. */
const ttlMs = 6_000;
const configPath = '/etc/postgresql/matriarch.yml';
const callback = '/tmp/callback.sh';
let stage: Stage;
let acts: Acts;
before(async () => {
  stage = await makeStage({
    ttlS: ttlMs / 1_000,
    extraConfig: () => ({ postgresql: { callbacks: { on_role_change: callback, on_stop: callback } } }),
  });
  acts = actsOn(stage);
});
after(() => stage?.end());

const etcdctl = async (node: string, args: readonly string[]): Promise<string> => {
  const ran = await stage.lab.node(node).exec(['etcdctl', ...args], { env: { ETCDCTL_API: '3' } });
  assert.equal(ran.code, 0, ran.stderr);
  return ran.stdout;
};
const key = (name: string): string => `/service/${stage.lab.plan.scope}/${name}`;
const ctl = async (node: string, args: readonly string[]): Promise<string> => {
  const ran = await stage.ctl(node, args);
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return ran.stdout;
};
const slotsOf = async (node: string): Promise<readonly string[]> =>
  (await stage.sql(node, 'select slot_name from pg_replication_slots order by 1')).split('\n');

test('a second agent on the same data directory is refused, and says why', async () => {
  const leader = await stage.healthy();
  const ran = await stage.lab.node(leader).exec(['matriarch', 'agent', configPath], { user: 'postgres' });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /another agent runs on it/);
  assert.equal(await stage.healthy(), leader);
  await acts.lawful();
});

test('an agent of the same name elsewhere is refused, and touches nothing [B-7]', async () => {
  const leader = await stage.healthy();
  const [other = ''] = await stage.standbys();
  const changed = await stage.lab
    .node(other)
    .exec([
      'sh',
      '-c',
      `sed -e 's/name: "${other}"/name: "${leader}"/' -e 's#/15/main#/15/twin#' -e 's/:8008/:8018/' ${configPath} >/tmp/twin.yml`,
    ]);
  assert.equal(changed.code, 0, changed.stderr);
  const ran = await stage.lab.node(other).exec(['matriarch', 'agent', '/tmp/twin.yml'], { user: 'postgres' });
  assert.equal(ran.code, 1, ran.stdout);
  assert.match(ran.stderr, new RegExp(`${leader}`));
  const left = await stage.lab.node(other).exec(['ls', '/var/lib/postgresql/15/twin']);
  assert.notEqual(left.stdout.includes('PG_VERSION'), true);
  await stage.until(
    async () =>
      stage.lab
        .node(other)
        .machine.processes()
        .every(({ argv }) => !argv.includes('/var/lib/postgresql/15/twin')),
    5_000,
    'no guardian of it is left, which would start it again',
  );
  assert.equal(await stage.healthy(), leader);
});

test('every member has a slot on the primary, and on the others for the day they lead', async () => {
  const leader = await stage.healthy();
  for (const { name } of stage.lab.nodes) {
    const wanted = stage.lab.nodes.map((node) => node.name).filter((node) => node !== name);
    await stage.until(
      async () => {
        const slots = await slotsOf(name);
        return wanted.every((slot) => slots.includes(slot) || (name !== leader && slot === leader));
      },
      15_000,
      `the slots of ${name}`,
    );
  }
});

test('the agent of the primary is stopped: PostgreSQL first, the key at once, and callbacks hear of it', async () => {
  const leader = await stage.healthy();
  for (const { name } of stage.lab.nodes) {
    const script = `printf '#!/bin/sh\\necho "$@" >>/tmp/callbacks\\n' >${callback}; chmod 755 ${callback}; chown postgres ${callback}`;
    assert.equal((await stage.lab.node(name).exec(['sh', '-c', script])).code, 0);
  }
  const sinceMs = Date.now();
  await stage.lab.node(leader).kill('agent', 'TERM');
  const next = await acts.takenOverFrom(leader, ttlMs, () => stage.lab.node(leader).start('agent'));
  assert.ok(Date.now() - sinceMs < 60_000);
  const heard = async (node: string): Promise<string> =>
    (await stage.lab.node(node).exec(['cat', '/tmp/callbacks'])).stdout;
  await stage.until(
    async () => (await heard(next)).includes(`on_role_change primary ${stage.lab.plan.scope}`),
    10_000,
    'the new primary has run its callback',
  );
  assert.match(await heard(leader), new RegExp(`on_stop \\w+ ${stage.lab.plan.scope}`));
  assert.equal(stage.journal(leader, /job rewind: rewound/).length, 0, 'it comes back without a rewind');
  await acts.lawful();
});

test('garbage in the keys of etcd is named and survived, and what is missing is written again', async () => {
  const leader = await stage.healthy();
  const postmaster = acts.pid(leader, 'postgres');
  const initialize = (await etcdctl(leader, ['get', '--print-value-only', key('initialize')])).trim();
  for (const name of ['status', 'failover', 'history', 'sync', 'config', 'initialize', 'members/nobody'])
    await etcdctl(leader, ['put', key(name), '{"ttl": "soon", ]']);
  await sleep(ttlMs + 1_000);
  await stage.sql(leader, 'create table garbage (n int)');
  await etcdctl(leader, ['del', key('members/nobody')]);
  await etcdctl(leader, ['del', key('config')]);
  await stage.until(
    async () => (await etcdctl(leader, ['get', '--print-value-only', key('config')])).includes('"ttl"'),
    10_000,
    'the configuration is written again',
  );
  await stage.until(
    async () => (await etcdctl(leader, ['get', '--print-value-only', key('initialize')])).trim() === initialize,
    10_000,
    'the identity is written again',
  );
  assert.equal(acts.pid(leader, 'postgres'), postmaster, 'PostgreSQL was not stopped over it');
  assert.equal(await stage.healthy(), leader);
  await acts.lawful();
});

test('the whole prefix wiped: the primary writes it anew, and nobody else is promoted', async () => {
  const leader = await stage.healthy();
  const timeline = await stage.sql(leader, 'select timeline_id from pg_control_checkpoint()');
  await etcdctl(leader, ['del', '--prefix', key('')]);
  await acts.rowArrives();
  assert.equal(await stage.healthy(), leader);
  assert.equal(await stage.sql(leader, 'select timeline_id from pg_control_checkpoint()'), timeline);
  await acts.lawful();
});

// These last: in pause the operator answers for who writes, and the laws are not asked any more.
test('paused: nothing is started or promoted, an agent can be replaced under a running PostgreSQL; resumed, all goes on', async () => {
  const leader = await stage.healthy();
  const [replica = ''] = await stage.standbys();
  assert.match(await ctl(leader, ['pause', '--wait']), /Success: cluster management is paused/);
  const postmaster = acts.pid(leader, 'postgres');
  await stage.lab.node(leader).kill('agent', 'TERM');
  await stage.until(async () => acts.pid(leader, 'agent') === null, 10_000, 'the agent has ended');
  assert.equal(acts.pid(leader, 'postgres'), postmaster, 'PostgreSQL goes on without its agent');
  await stage.lab.node(replica).kill('postgres');
  await sleep(ttlMs + 2_000);
  assert.equal(acts.pid(replica, 'postgres'), null, 'a stopped PostgreSQL stays stopped');
  await stage.lab.node(leader).start('agent');
  await stage.until(async () => (await stage.lab.status()).leader === leader, 15_000, 'the primary leads again');
  assert.equal(acts.pid(leader, 'postgres'), postmaster);
  assert.match(await ctl(leader, ['resume', '--wait']), /Success: cluster management is resumed/);
  await acts.rowArrives();
  assert.equal(await stage.healthy(), leader);
  assert.equal(acts.pid(leader, 'postgres'), postmaster);
});

test('the pause ends while the agent of the primary is down: nobody is promoted beside a server without a guard', async () => {
  const leader = await stage.healthy();
  const [other = '', third = ''] = await stage.standbys();
  const unfenced = async (): Promise<string> =>
    (await etcdctl(other, ['get', '--print-value-only', key('unfenced')])).trim();
  assert.equal(await unfenced(), '');
  await ctl(leader, ['pause', '--wait']);
  await stage.until(async () => (await unfenced()) === leader, 10_000, 'the cluster knows who is left without a guard');
  const postmaster = acts.pid(leader, 'postgres');
  await stage.lab.node(leader).kill('agent', 'TERM');
  await stage.until(async () => acts.pid(leader, 'agent') === null, 10_000, 'the agent has ended');
  await sleep(ttlMs + 1_000);
  await ctl(other, ['resume']);
  await sleep(ttlMs + 3_000);
  for (const node of [other, third])
    assert.equal(await stage.sql(node, 'select pg_is_in_recovery()'), 't', `${node} is no primary`);
  assert.ok(stage.journal(other, /race\.unfenced/).length > 0, 'and says why');
  await stage.lab.node(leader).start('agent');
  assert.equal(await stage.healthy(), leader);
  assert.equal(acts.pid(leader, 'postgres'), postmaster, 'PostgreSQL was not stopped over it');
  await stage.until(async () => (await unfenced()) === '', 10_000, 'its guard is armed again');
});
