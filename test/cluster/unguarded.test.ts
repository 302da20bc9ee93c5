import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeStage, type Stage, sleep } from './stage.ts';

/** The same accident with every guard switched off by name. If the witnesses did not see two primaries here, they would prove nothing. */
const ttlMs = 5_000;
let stage: Stage;
before(async () => {
  stage = await makeStage({
    ttlS: ttlMs / 1_000,
    extraConfig: () => ({ watchdog: { mode: 'off', guard: 'off' } }),
  });
});
after(() => stage?.end());

test('without guards a frozen agent leaves two primaries, and the witnesses say so', async () => {
  const leader = await stage.healthy();
  assert.deepEqual(await stage.violations(), []);
  await stage.lab.node(leader).freeze('agent');
  await stage.until(
    async () => {
      const { leader: now } = await stage.lab.status();
      return now !== null && now !== leader;
    },
    3 * ttlMs,
    'another member leads',
  );
  await sleep(1_500);
  const laws = (await stage.violations()).map(({ kind }) => kind);
  assert.ok(laws.includes('splitBrain'), `two primaries wrote at once: ${laws}`);
  assert.ok(laws.includes('wroteWithoutRight'), `the old one wrote without a right: ${laws}`);
});
