import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rules } from '../../src/decide/rules.ts';
import { runSeed, type SeedAccount } from '../../src/sim/seeds.ts';

/**
 * Random faults, a run for each seed. SIM_SEED=81 replays one and leaves its whole story in a file; SIM_SEEDS=1-2000
 * runs others than usual; SIM_SECONDS stops early, so that a slow machine is not kept for minutes.
 */
const one = process.env.SIM_SEED;
const [first = 1, last = 100] = (one === undefined ? (process.env.SIM_SEEDS ?? '1-100') : `${one}-${one}`)
  .split('-')
  .map(Number);
const limitMs = Number(process.env.SIM_SECONDS ?? 100) * 1000;

function describe(account: SeedAccount): string {
  const path = join(tmpdir(), `matriarch-seed-${account.seed}.txt`);
  writeFileSync(path, account.cluster.story());
  return [
    `seed ${account.seed} (replay: SIM_SEED=${account.seed} node --import tsx --test test/sim/seeds.test.ts; story: ${path})`,
    `  settings ${JSON.stringify(account.settings)}`,
    `  faults   ${[...account.faults].map(([name, count]) => `${count} ${name}`).join(', ')}`,
    `  ${account.failure?.slice(0, 2000)}`,
  ].join('\n');
}

test(`seeds ${first} to ${last}: whatever fails, the laws hold, and afterwards the cluster comes back by itself`, async (t) => {
  const beganMs = Date.now();
  const failed: SeedAccount[] = [];
  const met = new Set<string>();
  const sum = { seeds: 0, faults: 0, promotions: 0, acknowledged: 0, virtualMs: 0 };
  for (let seed = first; seed <= last; seed++) {
    if (Date.now() - beganMs > limitMs) break;
    const account = await runSeed(seed);
    sum.seeds++;
    sum.faults += [...account.faults.values()].reduce((a, b) => a + b, 0);
    sum.promotions += account.promotions;
    sum.acknowledged += account.acknowledged;
    sum.virtualMs += account.virtualMs;
    if (account.failure !== null) failed.push(account);
    for (const name of account.cluster.nodes.keys())
      for (const entry of account.cluster.journal(name)) if (entry.kind === 'decided') met.add(entry.rule);
    if (one !== undefined) t.diagnostic(describe(account));
  }
  t.diagnostic(
    `${sum.seeds} seeds, ${Math.round(sum.virtualMs / 3.6e6)} virtual hours, ${sum.faults} faults, ${sum.promotions} promotions, ` +
      `${sum.acknowledged} acknowledged writes, in ${Math.round((Date.now() - beganMs) / 1000)} s`,
  );
  const unmet = rules.map(({ name }) => name).filter((name) => !met.has(name));
  t.diagnostic(`rules that never decided: ${unmet.join(', ')}`);
  assert.equal(failed.length, 0, failed.map(describe).join('\n'));
});

test('a seed is a whole story: run again, it is the same to the byte', async () => {
  for (const seed of [3, 14]) {
    const first = await runSeed(seed);
    const second = await runSeed(seed);
    assert.equal(second.cluster.story(), first.cluster.story());
  }
});
