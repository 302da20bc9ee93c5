import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { timeline } from '../../../src/model/units.ts';
import type { SqlSession } from '../../../src/model/world.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, world } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** A promotion that cannot be watched as usual. */
describe('a promotion', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_446);
  const promotion = { kind: 'promote', premise: noPremise, mine: timeline(1), taken: timeline(1) } as const;
  before(async () => {
    assert.equal((await n1.perform({ kind: 'bootstrap' })).error, null);
    await n1.stop();
    assert.equal((await n1.perform({ kind: 'startStandby', upstream: null })).error, null);
  });
  after(async () => {
    await n1.end();
    folder.remove();
  });

  test('that is cancelled while the server answers nobody ends soon', async () => {
    const seen = await n1.postgres.look();
    assert.ok(seen.kind === 'running');
    world.processes.signal(seen.pid, 'STOP');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 300);
    const beganMs = world.clock.now();
    const result = await n1.perform(promotion, { signal: abort.signal });
    assert.notEqual(result.ended, 'done');
    assert.ok(world.clock.now() - beganMs < 5_000, `${world.clock.now() - beganMs} ms`);
    assert.equal((await n1.postgres.look()).kind, 'stopped');
    assert.equal((await n1.perform({ kind: 'startStandby', upstream: null })).error, null);
  });

  test('whose lease ran out while the disk took the sign that makes it one is not signalled, and nobody finds the sign [seed 0x1876d]', async () => {
    let asked = 0;
    const premise = async () => {
      asked += 1;
      const lies = existsSync(join(n1.settings.local.postgres.dataDir, 'promote'));
      return lies ? 'only 800 ms of the lease are left' : null;
    };
    const result = await n1.perform(promotion, { premise });
    assert.deepEqual([result.ended, result.error], ['failed', 'not promoted: only 800 ms of the lease are left']);
    assert.equal(asked, 2, 'before anything is written as well');
    assert.equal(existsSync(join(n1.settings.local.postgres.dataDir, 'promote')), false);
    const seen = await n1.postgres.look();
    assert.ok(
      seen.kind === 'stopped' && seen.control.state === 'in archive recovery',
      'it might have heard all the same',
    );
    assert.equal((await n1.perform({ kind: 'startStandby', upstream: null })).error, null);
  });

  test('is seen to its end, and the server lives, though every slot for a connection is taken', async () => {
    const held: SqlSession[] = [];
    const target = {
      host: '127.0.0.1',
      port: 19_446,
      user: 'postgres',
      password: 'secret',
      database: 'postgres',
      ssl: {},
      applicationName: 'test',
    };
    for (;;) {
      const connected = await world.sql.connect(target, 2_000);
      if (connected.kind !== 'connected') break;
      held.push(connected.session);
    }
    assert.ok(held.length > 10);
    const result = await n1.perform(promotion);
    for (const session of held) session.close();
    assert.equal(result.error, null);
    assert.equal(await n1.sql('SELECT pg_is_in_recovery()'), 'f');
  });
});
