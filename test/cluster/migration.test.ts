import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage } from './stage.ts';

/** A cluster that Patroni made and runs is taken over node by node, under its clients, and afterwards is one of ours. */
let stage: Stage;
let acts: Acts;
before(async () => {
  stage = await makeStage({ ttlS: 20, loopWaitS: 2, retryTimeoutS: 5, agentCommand: 'patroni {config}' });
  acts = actsOn(stage);
});
after(() => stage?.end());

const configPath = '/etc/postgresql/matriarch.yml';
const said = async (
  node: string,
): Promise<{ readonly patroni?: { readonly version: string }; readonly matriarch?: object }> =>
  JSON.parse((await stage.lab.node(node).exec(['curl', '-s', 'http://localhost:8008/patroni'])).stdout);

/** Killed, not asked: Patroni stops PostgreSQL when it is asked to end. */
async function replace(node: string): Promise<void> {
  const { machine } = stage.lab.node(node);
  const postmaster = acts.pid(node, 'postgres');
  await stage.lab.node(node).kill('agent');
  await machine.launch(['matriarch', 'agent', configPath], {
    user: 'postgres',
    logPath: stage.lab.logPath(node, 'matriarch'),
    env: { MATRIARCH_SUPERVISED: '1' },
  });
  await stage.until(async () => (await said(node)).matriarch !== undefined, 15_000, `${node} runs Matriarch`);
  await acts.rowArrives();
  assert.equal(acts.pid(node, 'postgres'), postmaster, `PostgreSQL of ${node} was not restarted`);
}

test('replicas first, the primary last: PostgreSQL runs on, and clients of the primary notice nothing', async () => {
  const leader = await stage.healthy();
  for (const { name } of stage.lab.nodes) assert.equal((await said(name)).patroni?.version, '3.0.2');
  for (const name of await stage.standbys()) await replace(name);
  const timeline = await stage.sql(leader, 'select timeline_id from pg_control_checkpoint()');
  const sinceMs = Date.now();
  await replace(leader);
  assert.equal(await stage.healthy(), leader);
  // Longer than the lease that Patroni left: from here on it is ours that counts.
  await new Promise((resolve) => setTimeout(resolve, 22_000));
  assert.equal(await stage.healthy(), leader);
  assert.equal(await stage.sql(leader, 'select timeline_id from pg_control_checkpoint()'), timeline);
  const times = stage
    .acknowledged()
    .flatMap(({ serverMs }) => (serverMs !== null && serverMs >= sinceMs ? [serverMs] : []));
  const gapMs = Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)));
  assert.ok(gapMs < 2_000, `writes stood still for ${gapMs} ms`);
});

test('afterwards it is a cluster like any other: a switchover, and the old primary streams', async () => {
  const leader = await stage.healthy();
  const [candidate = ''] = await stage.standbys();
  const asked = await stage.ctl(leader, [
    'switchover',
    stage.lab.plan.scope,
    ...['--leader', leader, '--candidate', candidate, '--force'],
  ]);
  assert.match(asked.stdout, new RegExp(`Successfully switched over to "${candidate}"`), asked.stderr);
  await acts.rowArrives();
  assert.equal(await stage.healthy(), candidate);
  await acts.lawful();
});
