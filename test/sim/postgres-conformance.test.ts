import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { leaveRootForGood } from '../support/unprivileged.ts';
import { drive } from './drive.ts';
import { postgresScript } from './postgresScript.ts';
import { realPostgres } from './realPostgres.ts';
import { simulatedPostgres } from './simulatedPostgres.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

test('the simulated PostgreSQL does in one script what the real one does', { timeout: 120_000 }, async () => {
  const real = await realPostgres(['a', 'b', 'c']);
  try {
    const original = await postgresScript(real);
    const { place, engine } = simulatedPostgres();
    const model = await drive(engine, postgresScript(place));
    assert.deepEqual(model, original);
  } finally {
    await real.end();
  }
});
