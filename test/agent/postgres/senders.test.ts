import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Job } from '../../../src/model/job.ts';
import type { LocalPostgres } from '../../../src/model/postgres.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, type TestNode, world } from './node.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

const stop: Job = {
  kind: 'stop',
  mode: 'fast',
  budget: { immediateAtMs: null, killAtMs: null },
  checkpointFirst: true,
  why: 'switchover',
  successors: ['n2'],
};
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = world.clock.now() + 15_000;
  while (!(await holds())) {
    if (world.clock.now() > endMs) throw new Error(what);
    await world.clock.sleep(20);
  }
}
const streams = (node: TestNode) =>
  until(async () => {
    const seen = await node.postgres.look();
    return seen.kind === 'running' && seen.role === 'standby' && seen.receiver?.status === 'streaming';
  }, `${node.name} does not stream`);

/** A standby whose cable was cut: its walreceiver is there and says nothing. */
function freezeReceiver({ settings }: TestNode): () => void {
  const found = world.processes
    .withWorkingDirectory(settings.local.postgres.dataDir)
    .find(({ commandLine }) => commandLine.includes('walreceiver'));
  assert.ok(found !== undefined);
  world.processes.signal(found.pid, 'STOP');
  return () => void world.processes.signal(found.pid, 'CONT');
}

describe('a fast stop of a primary that shall hand over', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_442);
  const n2 = makeNode(folder.path, 'n2', 19_443);
  const n3 = makeNode(folder.path, 'n3', 19_444);
  const done = async (node: TestNode, job: Job): Promise<void> => {
    const result = await node.perform(job);
    assert.equal(result.ended, 'done', result.error ?? '');
  };
  /** Clean, in time, and the successor has the shutdown checkpoint. */
  async function stopsWithin(limitMs: number): Promise<void> {
    const beganMs = world.clock.now();
    const result = await n1.perform(stop);
    const tookMs = world.clock.now() - beganMs;
    assert.deepEqual([result.ended, result.stage], ['done', 'fast']);
    assert.ok(tookMs < limitMs, `${tookMs} ms`);
    const seen: LocalPostgres = await n1.postgres.look();
    assert.ok(seen.kind === 'stopped' && seen.control.state === 'shut down', seen.kind);
    const { checkpoint } = seen.control;
    await until(async () => {
      const successor = await n2.postgres.look();
      return successor.kind === 'running' && successor.role === 'standby' && successor.receivedLsn > checkpoint;
    }, 'n2 has no shutdown checkpoint');
  }
  const start: Job = { kind: 'startPrimary', premise: noPremise, limitMs: 20_000 };

  before(async () => {
    await done(n1, { kind: 'bootstrap' });
    for (const standby of [n2, n3]) {
      await done(standby, { kind: 'clone', from: n1.upstream(), premise: noPremise });
      await done(standby, { kind: 'startStandby', upstream: n1.upstream() });
      await streams(standby);
    }
  });
  after(async () => {
    for (const node of [n3, n2, n1]) await node.end();
    folder.remove();
  });

  test('ends no walsender whose standby is there', async () => {
    const before = n1.steps.length;
    await stopsWithin(1_500);
    assert.deepEqual(n1.steps.slice(before), []);
    await done(n1, start);
    await streams(n2);
    await streams(n3);
  });

  test('does not wait for a standby that says nothing', async () => {
    const thaw = freezeReceiver(n3);
    await stopsWithin(3_000);
    assert.ok(n1.steps.some((step) => step.includes('a walsender is ended')));
    thaw();
    await done(n1, start);
    await streams(n2);
    await streams(n3);
  });

  test('nor for one whose connection is full, which holds up the shutdown checkpoint itself', async () => {
    const thaw = freezeReceiver(n3);
    await n1.sql("create table public.filler as select repeat('x', 1000) from generate_series(1, 60000)");
    await stopsWithin(4_000);
    thaw();
    await done(n1, start);
    await streams(n2);
  });

  test('nor for an archive_command that does not end [lesson 38]', async () => {
    Object.assign(n1.settings.postgres.parameters, { archive_mode: 'on', archive_command: 'sleep 600' });
    await stopsWithin(1_500);
    await done(n1, start);
    await streams(n2);
    await n1.sql('select pg_switch_wal()');
    await stopsWithin(4_000);
    assert.ok(n1.steps.some((step) => step.includes('archive_command is ended')));
  });
});
