import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage, sleep } from './stage.ts';

/** Whatever dies or freezes, nobody accepts writes without the right to lead. One lab, one accident after the other. */
const ttlMs = 6_000;
const stopsWithinMs = ttlMs + 1_000;
const takesOverWithinMs = 3 * ttlMs;
let stage: Stage;
let acts: Acts;
before(async () => {
  stage = await makeStage({ ttlS: ttlMs / 1_000 });
  acts = actsOn(stage);
});
after(() => stage?.end());

test('an agent killed and started within the lease: PostgreSQL does not notice', async () => {
  const leader = await stage.healthy();
  const postmaster = acts.pid(leader, 'postgres');
  await stage.lab.node(leader).kill('agent');
  await stage.lab.node(leader).start('agent');
  await sleep(ttlMs + 1_500);
  assert.equal(await stage.healthy(), leader);
  assert.equal(acts.pid(leader, 'postgres'), postmaster);
  await acts.lawful();
});

test('a guardian killed alone is back within a second, and armed', async () => {
  const leader = await stage.healthy();
  const [postmaster, guardian] = [acts.pid(leader, 'postgres'), acts.pid(leader, 'guardian')];
  await stage.lab.node(leader).kill('guardian');
  await stage.until(
    async () => {
      const now = acts.pid(leader, 'guardian');
      return now !== null && now !== guardian;
    },
    1_000,
    'another guardian runs',
  );
  await sleep(ttlMs + 1_000);
  assert.equal(await stage.healthy(), leader);
  assert.equal(acts.pid(leader, 'postgres'), postmaster);
  await acts.lawful();
});

test('an agent killed for good: the guardian stops PostgreSQL, another member takes over', async () => {
  const leader = await stage.healthy();
  await stage.lab.node(leader).kill('agent');
  await acts.gone(leader, stopsWithinMs);
  await acts.takenOverFrom(leader, takesOverWithinMs, () => stage.lab.node(leader).start('agent'));
  await acts.lawful();
});

test('an agent frozen past its lease: the guardian stops PostgreSQL; thawed, it comes back as a standby', async () => {
  const leader = await stage.healthy();
  await stage.lab.node(leader).freeze('agent');
  await acts.gone(leader, stopsWithinMs);
  await acts.takenOverFrom(leader, takesOverWithinMs, async () => stage.lab.node(leader).thaw('agent'));
  await acts.lawful();
});

test('agent and guardian killed together: PostgreSQL stops all the same', async () => {
  const leader = await stage.healthy();
  await stage.lab.node(leader).kill('guardian');
  await stage.lab.node(leader).kill('agent');
  await acts.gone(leader, stopsWithinMs);
  await acts.takenOverFrom(leader, takesOverWithinMs, () => stage.lab.node(leader).start('agent'));
  await acts.lawful();
});

test('agent and guardian frozen together: PostgreSQL stops all the same', async () => {
  const leader = await stage.healthy();
  await stage.lab.node(leader).freeze('guardian');
  await stage.lab.node(leader).freeze('agent');
  await acts.gone(leader, stopsWithinMs);
  await acts.takenOverFrom(leader, takesOverWithinMs, async () => {
    await stage.lab.node(leader).thaw('guardian');
    await stage.lab.node(leader).thaw('agent');
  });
  await acts.lawful();
});

test('a postmaster killed and restarted in place does not escape its guard when the agent dies after', async () => {
  const leader = await stage.healthy();
  const first = acts.pid(leader, 'postgres');
  await stage.lab.node(leader).kill('postgres');
  await stage.until(
    async () => {
      const now = acts.pid(leader, 'postgres');
      return now !== null && now !== first && (await stage.sql(leader, 'select pg_is_in_recovery()')) === 'f';
    },
    5_000,
    'PostgreSQL runs again in place',
  );
  assert.equal(await stage.healthy(), leader);
  await stage.lab.node(leader).kill('agent');
  await acts.gone(leader, stopsWithinMs);
  await acts.takenOverFrom(leader, takesOverWithinMs, () => stage.lab.node(leader).start('agent'));
  await acts.lawful();
});

test('a server that an operator started behind a dead agent is stopped again', async () => {
  const leader = await stage.healthy();
  await stage.lab.node(leader).kill('agent');
  await stage.lab.node(leader).kill('postgres');
  await acts.gone(leader, stopsWithinMs);
  await stage.lab.node(leader).start('postgres');
  await acts.gone(leader, stopsWithinMs);
  await acts.takenOverFrom(leader, takesOverWithinMs, () => stage.lab.node(leader).start('agent'));
  await acts.lawful();
});
