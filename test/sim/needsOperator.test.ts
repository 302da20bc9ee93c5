import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';

test('a diverged member that may not be repaired by itself says what to do, in its status, its key and its metrics; until people did', async () => {
  const settings = { postgresql: { use_pg_rewind: false, use_slots: true, parameters: { wal_level: 'replica' } } };
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 61, settings, writeEveryMs: 100 }).untilSteady();
  await cluster.run(10_000);
  const old = cluster.primary() ?? assert.fail('there is no one primary');
  cluster.network.isolate(old);
  await cluster.until(() => cluster.primary() !== null && cluster.primary() !== old, { withinMs: 60_000 });
  await cluster.run(5_000);
  cluster.network.heal();
  await cluster.run(60_000);
  const other = ['n1', 'n2', 'n3'].find((name) => name !== old) ?? '';
  async function get(path: string): Promise<string> {
    let reply: string | null = null;
    void cluster.ask(old, 'GET', path).then((answer) => {
      reply = answer?.body ?? '';
    });
    await cluster.until(() => reply !== null, { withinMs: 30_000 });
    return reply ?? '';
  }
  const need = async (): Promise<readonly unknown[]> => {
    const status = await get('/patroni');
    const metrics = await get('/metrics');
    const dcs = cluster.node(other).handles()?.snapshot()?.seen.dcs;
    const key = dcs?.kind === 'reachable' ? dcs.cluster.members.find(({ name }) => name === old) : undefined;
    const metric = /^matriarch_needs_operator\{[^}]*\} (\d)$/m.exec(metrics)?.[1];
    return [JSON.parse(status).matriarch.needs_operator ?? null, key?.other.needs_operator ?? null, metric];
  };
  const remedy =
    'diverged; pg_rewind is not possible here and no setting allows a fresh copy: run reinit, or set use_pg_rewind';
  assert.deepEqual(await need(), [remedy, remedy, '1']);
  void cluster.ask(old, 'POST', '/reinitialize', '{}');
  await cluster.untilSteady();
  await cluster.run(15_000);
  assert.deepEqual(await need(), [null, null, '0']);
  assert.deepEqual(cluster.violations(), []);
});
