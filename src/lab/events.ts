import { happeningOf } from '../codec/rest/happening.ts';
import type { Entry } from '../model/decision.ts';
import type { Happening } from '../model/live.ts';
import { askAgent, parsed } from './ask.ts';
import type { Machine } from './ground.ts';
import { inOurTime } from './ourTime.ts';

/** Reads the agents' journals, the newest entry last. Agents without one, Patroni for instance, simply have no events. */
export async function readEvents(nodes: readonly Machine[]): Promise<readonly Happening[]> {
  const journals = await Promise.all(
    nodes.map(async (machine) => ({
      node: machine.plan.name,
      entries: entriesOf(await askAgent(machine, '/journal?limit=60', 1000)),
    })),
  );
  const events = journals
    .flatMap(({ node, entries }) => entries.flatMap((entry) => happeningOf(node, entry) ?? []))
    .map(inOurTime);
  return events.toSorted((a, b) => a.wall.localeCompare(b.wall));
}

/** Until the leader must have renewed its lease, or stop; null: nobody says. */
export async function readLeaseLeftMs(leader: Machine | undefined): Promise<number | null> {
  const text = leader === undefined ? null : await askAgent(leader, '/metrics', 1000);
  const left = /^matriarch_fence_left_seconds(?:\{.*\})? (\S+)$/m.exec(text ?? '')?.[1];
  return left === undefined ? null : Number(left) * 1000;
}

/** One entry a line. */
export const entriesOf = (answer: string | null): readonly Entry[] =>
  (answer ?? '').split('\n').map(parsed).filter(isEntry);

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && 'kind' in value && 'wall' in value && typeof value.wall === 'string';
