import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { release } from 'node:os';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeControlReader } from '../../../src/agent/postgres/control.ts';
import { makePatientDisk } from '../../../src/agent/postgres/disk.ts';
import { makeLooker } from '../../../src/agent/postgres/look.ts';
import { partsOf } from '../../../src/agent/postgres/parts.ts';
import { initSyncDefault } from '../../../src/codec/postgres/initSync.ts';
import { later } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, world } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** A server that is gone, here or elsewhere. */
describe('gone', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_455);
  const start = () => n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 });
  after(async () => {
    await n1.end();
    folder.remove();
  });

  test('what was known of the control file of a server is forgotten once, when it is seen gone', async () => {
    assert.equal((await n1.perform({ kind: 'bootstrap' })).error, null);
    let forgotten = 0;
    const nothing = (): void => {};
    const parts = partsOf({
      world,
      settings: () => n1.settings,
      readControl: () => file.read(),
      rejected: { reject: () => [], restore: nothing },
      reports: n1.reports,
      sentinel: null,
      sentinelGraceMs: () => 0,
      note: nothing,
      step: nothing,
      expectStop: nothing,
      strike: () => Promise.reject(new Error('nobody strikes here')),
      tell: () => {},
      outlives: () => {},
    });
    const disk = makePatientDisk(world, { limitMs: 1_000, answersAgain: nothing });
    const file = makeControlReader(parts, disk);
    const counted = {
      read: file.read,
      forget() {
        forgotten += 1;
      },
    };
    const looker = makeLooker(parts, disk, counted, { wake: nothing, homelessSinceMs: () => null });
    const seen = await looker.look();
    assert.ok(seen.kind === 'running');
    world.processes.signal(seen.pid, 'KILL');
    for (let tries = 0; (await looker.look()).kind !== 'stopped'; tries += 1) {
      assert.ok(tries < 200);
      await world.clock.sleep(10);
    }
    await looker.look();
    looker.close();
    assert.equal(forgotten, 1);
  });

  test('crash recovery flushes as is best here, unless the parameters say otherwise', async () => {
    const wanted = initSyncDefault('15', release()).recovery_init_sync_method ?? 'fsync';
    assert.equal((await start()).error, null);
    assert.equal(await n1.sql('SHOW recovery_init_sync_method'), wanted);
    await n1.stop();
    const parameters: Record<string, string> = n1.settings.postgres.parameters;
    parameters.recovery_init_sync_method = 'fsync';
    assert.equal((await start()).error, null);
    assert.equal(await n1.sql('SHOW recovery_init_sync_method'), 'fsync');
  });

  test('a question that nobody answers is over as soon as it is cancelled', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(19_456, '127.0.0.1', resolve));
    const from = { member: 'n2', host: '127.0.0.1', port: 19_456, slot: null };
    await n1.stop();
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 300);
    const beganMs = world.clock.now();
    const result = await n1.perform({ kind: 'checkDivergence', from, leaderTimeline: null }, { signal: abort.signal });
    const tookMs = world.clock.now() - beganMs;
    silent.close();
    assert.equal(result.ended, 'cancelled');
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
  });

  test('a data directory that is taken away under its server: that one is known still, and ended [lesson 11]', async () => {
    assert.equal((await start()).error, null);
    const before = await n1.postgres.look();
    assert.ok(before.kind === 'running');
    rmSync(n1.settings.local.postgres.dataDir, { recursive: true });
    const seen = await n1.postgres.look();
    assert.deepEqual([seen.kind, 'homeless' in seen && seen.homeless], ['stopping', true]);
    const budget = { immediateAtMs: world.clock.now(), killAtMs: later(world.clock.now(), 300) };
    await n1.perform({ kind: 'stop', mode: 'immediate', why: 'test', checkpointFirst: false, budget });
    assert.equal(world.processes.describe(before.pid)?.state ?? 'dead', 'dead');
    assert.deepEqual(await n1.postgres.look(), { kind: 'noData' });
  });
});
