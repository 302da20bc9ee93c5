import assert from 'node:assert/strict';
import type { LocalPostgres } from '../../../src/model/postgres.ts';
import { type TestNode, world } from './node.ts';

/** What is seen as soon as it holds; after 20 s the test fails. */
export async function until(
  node: TestNode,
  holds: (seen: LocalPostgres) => boolean,
  what: string,
): Promise<LocalPostgres> {
  const endMs = world.clock.now() + 20_000;
  for (;;) {
    const seen = await node.postgres.look();
    if (holds(seen)) return seen;
    if (world.clock.now() > endMs) throw new Error(`${node.name}: ${what}: not so, but ${seen.kind}`);
    await world.clock.sleep(50);
  }
}

export const streams = (node: TestNode): Promise<LocalPostgres> =>
  until(
    node,
    (seen) => seen.kind === 'running' && seen.role === 'standby' && seen.receiver?.status === 'streaming',
    'streams',
  );

/** Of a job. */
export async function done(work: Promise<{ ended: string; error: string | null }>): Promise<void> {
  const { ended, error } = await work;
  assert.equal(ended, 'done', error ?? '');
}
