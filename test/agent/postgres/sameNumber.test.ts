import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { timeline } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast } from './node.ts';
import { done, streams, until } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/**
 * Nobody gives out the numbers of timelines. A Patroni beside ours does not read which were announced: it begins one that was begun
 * before, elsewhere, and whoever was on that one finds a leader on "its" timeline.
 */
describe('two timelines of one number', () => {
  const folder = makeFolder();
  const [n1, n2] = [makeNode(folder.path, 'n1', 19_719), makeNode(folder.path, 'n2', 19_720)];
  after(async () => {
    for (const node of [n1, n2]) await node.end();
    folder.remove();
  });
  const promotion = { kind: 'promote', premise: noPremise, mine: timeline(1), taken: timeline(1) } as const;
  const startAlone = { kind: 'startStandby', upstream: null } as const;
  const isStandby = (node: typeof n1) =>
    until(node, (seen) => seen.kind === 'running' && seen.role === 'standby', 'is a standby');

  test('are told apart, whoever is further; the repair is a fresh copy', async () => {
    await done(n1.perform({ kind: 'bootstrap' }));
    await done(n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise }));
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    await done(n2.perform(stopFast));
    await n1.sql('CREATE TABLE public.late AS SELECT 1 AS a');
    await done(n1.perform(stopFast));
    for (const node of [n1, n2]) {
      await done(node.perform(startAlone));
      await isStandby(node);
      await done(node.perform(promotion));
      await done(node.perform({ kind: 'checkpoint' }));
      assert.equal(await node.sql('SELECT timeline_id FROM pg_control_checkpoint()'), '2');
    }
    const seenFrom = async (node: typeof n1, leader: typeof n1) => {
      const check = { kind: 'checkDivergence', from: leader.upstream(), leaderTimeline: timeline(2) } as const;
      await done(node.perform(stopFast));
      const down = (await node.perform(check)).divergence;
      await done(node.perform(startAlone));
      await isStandby(node);
      return [down?.kind, (await node.perform(check)).divergence?.kind];
    };
    assert.deepEqual(await seenFrom(n2, n1), ['diverged', 'diverged'], 'with less than the leader');
    await done(n2.perform(stopFast));
    await done(n2.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 }));
    assert.deepEqual(await seenFrom(n1, n2), ['diverged', 'diverged'], 'with more');
    await done(n1.perform(stopFast));
    await done(n1.perform({ kind: 'startPrimary', premise: noPremise, limitMs: 20_000 }));
    await done(n2.perform(stopFast));
    const rewound = await n2.perform({ kind: 'rewind', from: n1.upstream(), premise: noPremise });
    assert.equal(rewound.ended, 'failed');
    assert.match(rewound.error ?? '', /fresh copy/);
  });
});
