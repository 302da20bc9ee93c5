import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runGuardian } from '../../src/guardian/guardian.ts';
import type { World } from '../../src/model/world.ts';
import { places } from '../../src/sim/settings.ts';
import { drive } from './drive.ts';
import { postgresLab, run, start } from './postgresLab.ts';

const { stateDir, dataDir, binDir } = places;

async function primaryBehindSentinel(world: World): Promise<void> {
  assert.match(await run(world, 'initdb', '-D', dataDir), /^0/);
  await world.files.makeDirectory(stateDir, 0o700);
  await start(world, [
    '/bin/sh',
    '/x/sentinel.sh',
    stateDir,
    dataDir,
    '2500',
    '--',
    `${binDir}/postgres`,
    '-D',
    dataDir,
  ]);
}
async function guardian(world: World): Promise<void> {
  const outcome = await runGuardian(world, {
    dataDir,
    stateDir,
    version: 'test',
    controldataProgram: `${binDir}/pg_controldata`,
    agentPid: null,
    agentRestart: null,
    note: () => {},
  });
  assert.equal(outcome.kind, 'running');
}
async function arm(world: World, deadlineMs: number): Promise<string> {
  const made = await world.sockets.connect(`${stateDir}/guardian.sock`, 1000);
  assert.equal(made.kind, 'connected');
  return new Promise((resolve) => {
    if (made.kind !== 'connected') return;
    made.connection.onLine((line) => void (line.includes('"ok"') && resolve(line)));
    made.connection.send(
      JSON.stringify({ id: 1, ask: 'deadline', deadlineMs, lease: '1', term: '2', ttlMs: 30_000, sentMs: 0 }),
    );
  });
}

test('the shipped guardian ends the simulated PostgreSQL at the deadline', async () => {
  const place = postgresLab(1);
  await drive(
    place.engine,
    (async () => {
      const { world } = place.a;
      await primaryBehindSentinel(world);
      await guardian(place.process('a'));
      const deadlineMs = world.clock.now() + 3000;
      assert.match(await arm(world, deadlineMs), /"ok":true/);
      await world.clock.sleep(2900);
      assert.equal(place.postgres.servers.size, 1);
      await world.clock.sleep(200);
      assert.equal(place.postgres.servers.size, 0);
      assert.ok(!place.a.machine.processes.all().some((one) => one.cwd() === dataDir));
    })(),
  );
});

test('the guardian does not wait for a disk that hangs', async () => {
  const place = postgresLab(3);
  await drive(
    place.engine,
    (async () => {
      const { world, machine } = place.a;
      await primaryBehindSentinel(world);
      await guardian(place.process('a'));
      const deadlineMs = world.clock.now() + 3000;
      assert.match(await arm(world, deadlineMs), /"ok":true/);
      machine.diskHangs = true;
      await world.clock.sleep(2900);
      assert.equal(place.postgres.servers.size, 1);
      await world.clock.sleep(300);
      assert.equal(place.postgres.servers.size, 0);
      assert.ok(!machine.processes.all().some((one) => one.cwd() === dataDir));
    })(),
  );
});

test('with agent and guardian frozen the sentinel ends it half a margin later; its own death ends it at once', async () => {
  const place = postgresLab(2);
  await drive(
    place.engine,
    (async () => {
      const { world } = place.a;
      await primaryBehindSentinel(world);
      const home = place.process('a');
      await guardian(home);
      const deadlineMs = world.clock.now() + 3000;
      assert.match(await arm(world, deadlineMs), /"ok":true/);
      world.processes.signal(home.processes.myPid, 'STOP');
      await world.clock.sleep(5300);
      assert.equal(place.postgres.servers.size, 1);
      await world.clock.sleep(700);
      assert.equal(place.postgres.servers.size, 0);
    })(),
  );
});
