import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';

const members = ['n1', 'n2', 'n3'] as const;

/**
 * A signal cannot be taken back: a postmaster that is frozen hears of it when it is thawed. Whoever gives the key away has
 * made sure that there is nobody left to hear, and does not wait for a disk that hangs to be sure.
 */
test('a promotion is signalled to a frozen postmaster, and its node gives the key back: it is not promoted when it thaws', async () => {
  const settings = { ttl: 30, loop_wait: 5, retry_timeout: 5 };
  const cluster = await simulate({ members, seed: 421, writeEveryMs: 250, settings }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const [next = '', other = ''] = members.filter((name) => name !== leader);
  cluster.agent(other).freeze();
  cluster.node(next).signal('postgres', 'STOP');
  cluster.powerOff(leader);
  const signalled = () =>
    cluster.journal(next).some((entry) => entry.kind === 'job' && entry.step === 'promotion signalled');
  await cluster.until(signalled, { withinMs: 60_000 });
  await cluster.run(2000);
  cluster.node(next).machine.diskHangs = true;
  cluster.guardian(next).freeze();
  cluster.agent(other).thaw();
  await cluster.until(() => cluster.primary() === other, { withinMs: 90_000 });
  cluster.node(next).signal('postgres', 'CONT');
  await cluster.run(5000);
  cluster.node(next).machine.diskHangs = false;
  cluster.guardian(next).thaw();
  cluster.powerOn(leader);
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(
    cluster.violations().map(({ kind }) => kind),
    [],
  );
});
