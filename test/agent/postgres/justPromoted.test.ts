import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { timeline } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast, world } from './node.ts';
import { done, streams, until } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/**
 * A promoted server that dies before its first checkpoint, comes up as a standby, and has to be rewound for one that was promoted
 * from the same place. Before PostgreSQL 16 pg_rewind takes its timeline from the last checkpoint, looks for the fork in the
 * segments of the timeline before, and finds nothing there: "could not find previous WAL record".
 */
describe('a server that died right after its promotion is rewound', () => {
  const folder = makeFolder();
  const [n1, n2] = [makeNode(folder.path, 'n1', 19_482), makeNode(folder.path, 'n2', 19_483)];
  after(async () => {
    for (const node of [n1, n2]) await node.end();
    folder.remove();
  });

  test('and streams again', async () => {
    await done(n1.perform({ kind: 'bootstrap' }));
    await done(n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise }));
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    // What is dirty in memory takes the checkpoint after the promotion its time.
    await n1.sql("CREATE TABLE public.t AS SELECT a, repeat('x', 500) AS b FROM generate_series(1, 40000) AS a");
    await world.clock.sleep(500);
    await done(n1.perform(stopFast));
    await done(n2.perform({ kind: 'promote', premise: noPremise, mine: timeline(1), taken: timeline(1) }));
    const promoted = await n2.postgres.look();
    assert.ok(promoted.kind === 'running' && promoted.role === 'primary');
    world.processes.signal(promoted.pid, 'KILL');
    await until(n2, ({ kind }) => kind === 'stopped', 'is down');
    await done(n2.perform({ kind: 'clearOrphans' }));
    await done(n2.perform({ kind: 'startStandby', upstream: null }));
    await until(n2, (seen) => seen.kind === 'running' && seen.role === 'standby', 'is a standby');
    await done(n2.perform(stopFast));
    const stopped = await n2.postgres.look();
    assert.ok(stopped.kind === 'stopped');
    const { state, timeline: ofCheckpoint, minRecoveryEndTimeline } = stopped.control;
    assert.deepEqual([state, ofCheckpoint, minRecoveryEndTimeline], ['shut down in recovery', 1, 2]);

    await done(n1.perform({ kind: 'startStandby', upstream: null }));
    await until(n1, (seen) => seen.kind === 'running' && seen.role === 'standby', 'is a standby');
    await done(n1.perform({ kind: 'promote', premise: noPremise, mine: timeline(1), taken: timeline(2) }));
    await done(n1.perform({ kind: 'checkpoint' }));
    await done(n2.perform({ kind: 'rewind', from: n1.upstream(), premise: noPremise }));
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
  });
});
