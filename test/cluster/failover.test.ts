import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Incident } from '../../src/model/incident.ts';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage } from './stage.ts';

/** Losing a primary, and getting back what was lost. One lab, one accident after the other. */
const ttlMs = 6_000;
let stage: Stage;
let acts: Acts;
before(async () => {
  stage = await makeStage({ ttlS: ttlMs / 1_000 });
  acts = actsOn(stage);
});
after(() => stage?.end());

const timelineOf = async (node: string): Promise<number> =>
  Number(await stage.sql(node, 'select timeline_id from pg_control_checkpoint()'));

test('PostgreSQL killed on the primary is started again in place, without a failover [B-9]', async () => {
  const leader = await stage.healthy();
  const first = acts.pid(leader, 'postgres');
  const timeline = await timelineOf(leader);
  await stage.lab.node(leader).kill('postgres');
  await stage.until(
    async () => (acts.pid(leader, 'postgres') ?? first) !== first,
    3_000,
    'PostgreSQL is started again',
  );
  await acts.rowArrives();
  assert.equal(await stage.healthy(), leader);
  assert.equal(await timelineOf(leader), timeline);
  await acts.lawful();
});

test('PostgreSQL killed on a replica is started again, and streams', async () => {
  await stage.healthy();
  const [replica = ''] = await stage.standbys();
  const first = acts.pid(replica, 'postgres');
  await stage.lab.node(replica).kill('postgres');
  await stage.until(
    async () => (acts.pid(replica, 'postgres') ?? first) !== first,
    3_000,
    'PostgreSQL is started again',
  );
  await acts.rowArrives();
  await acts.lawful();
});

const told = async (node: string, args: readonly string[]): Promise<unknown> => {
  const ran = await stage.ctl(node, [...args, '--format', 'json']);
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return JSON.parse(ran.stdout);
};
interface Rehearsed {
  readonly outcome: { readonly kind: string };
  readonly members: readonly { readonly name: string; readonly verdict: string }[];
}

test('the power of the primary goes: one that was named before takes over, and keeps a record; with power again it streams', async () => {
  const leader = await stage.healthy();
  const { outcome, members } = (await told(leader, ['rehearse', '--without', leader])) as Rehearsed;
  assert.equal(outcome.kind, 'takes_over');
  await stage.lab.node(leader).powerOff();
  // etcd gives every lease a whole term anew when its own leader died with the machine.
  const next = await acts.takenOverFrom(leader, 4 * ttlMs, async () => {
    await stage.lab.node(leader).powerOn();
    await stage.witness(leader);
  });
  // With a write every 10 ms the standbys are ahead by turns: who of those that may was not to be told before.
  assert.notEqual(members.find(({ name }) => name === next)?.verdict ?? 'may not', 'may not');
  const incidents = (await told(next, ['incidents'])) as Incident[];
  assert.ok(
    incidents.some(({ kind, leader: led }) => kind === 'promotion' && led.before === leader && led.after === next),
  );
  await acts.lawful();
});

test('an old primary with rows that nobody else has is rewound, not cloned', async () => {
  const leader = await stage.healthy();
  const { machine } = stage.lab.node(leader);
  for (const name of await stage.standbys()) await stage.lab.node(name).cut();
  await stage.sql(leader, 'create table if not exists only_here (n int); insert into only_here values (1)');
  assert.equal(await stage.sql(leader, 'select count(*) from only_here'), '1');
  await stage.lab.node(leader).powerOff();
  for (const { name } of stage.lab.nodes) if (name !== leader) await stage.lab.node(name).heal();
  const next = await acts.takenOverFrom(leader, 4 * ttlMs, async () => {
    await stage.lab.node(leader).powerOn();
    await stage.witness(leader);
  });
  assert.equal(await stage.sql(next, "select to_regclass('only_here') is null"), 't', 'the rows had diverged');
  assert.equal(await stage.sql(leader, "select to_regclass('only_here') is null"), 't', 'the rows are rewound');
  const steps = stage.journal(leader, /job (rewind|clone):/).join('\n');
  assert.match(steps, /job rewind: rewound/);
  assert.ok(
    stage.journalSince(leader, /job rewind: rewind from/, /job clone: clone/).length === 0,
    'no clone after it',
  );
  assert.equal(machine.isOn(), true);
  await acts.lawful();
});

test('a replica is made anew on request', async () => {
  const leader = await stage.healthy();
  const [replica = ''] = await stage.standbys();
  await stage.sql(leader, 'checkpoint');
  const before = await stage.sql(replica, "select pg_stat_file('PG_VERSION')");
  const asked = await stage.ctl(replica, ['reinit', stage.lab.plan.scope, replica, '--force']);
  assert.equal(asked.code, 0, asked.stderr + asked.stdout);
  await stage.until(
    async () => (await stage.sql(replica, "select pg_stat_file('PG_VERSION')")) !== before,
    30_000,
    `${replica} holds a new data directory`,
  );
  await acts.rowArrives();
  await acts.lawful();
});

test('a switchover moves the leadership to the named candidate, and the old primary streams without a rewind', async () => {
  const leader = await stage.healthy();
  const [candidate = ''] = await stage.standbys();
  const rewinds = stage.journal(leader, /job rewind: rewound/).length;
  const asked = await stage.ctl(leader, [
    'switchover',
    stage.lab.plan.scope,
    '--leader',
    leader,
    '--candidate',
    candidate,
    '--force',
  ]);
  assert.equal(asked.code, 0, asked.stderr + asked.stdout);
  assert.match(asked.stdout, /Successfully switched over/);
  await acts.rowArrives();
  assert.equal(await stage.healthy(), candidate);
  assert.equal(stage.journal(leader, /job rewind: rewound/).length, rewinds);
  await acts.lawful();
});

test('dynamic configuration: applied by reload where that is enough, marked pending restart where not', async () => {
  const leader = await stage.healthy();
  const change = JSON.stringify({ postgresql: { parameters: { work_mem: '7MB', max_connections: 123 } } });
  const patched = await stage.lab
    .node(leader)
    .exec(['curl', '-sS', '-XPATCH', '-d', change, 'http://localhost:8008/config']);
  assert.equal(patched.code, 0, patched.stderr);
  for (const { name } of stage.lab.nodes) {
    await stage.until(async () => (await stage.sql(name, 'show work_mem')) === '7MB', 10_000, `work_mem on ${name}`);
    await stage.until(
      async () =>
        JSON.parse((await stage.lab.node(name).exec(['curl', '-s', 'http://localhost:8008/patroni'])).stdout)
          .pending_restart === true,
      10_000,
      `${name} says that it waits for a restart`,
    );
  }
  // The primary first would leave standbys that cannot replay: the order is the agents' business.
  for (const name of [...(await stage.standbys()), leader]) {
    const asked = await stage.ctl(name, ['restart', stage.lab.plan.scope, name, '--force']);
    assert.equal(asked.code, 0, asked.stderr + asked.stdout);
  }
  for (const { name } of stage.lab.nodes)
    await stage.until(
      async () => (await stage.sql(name, 'show max_connections')) === '123',
      15_000,
      `max_connections on ${name}`,
    );
  assert.equal(await stage.healthy(), leader);
  await acts.rowArrives();
  await acts.lawful();
});
