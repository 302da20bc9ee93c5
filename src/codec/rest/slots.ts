import type { Observation } from '../../model/observation.ts';
import { walBudget } from '../../model/walBudget.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `matriarch.slots` of GET /patroni: on a primary what each slot costs, on a standby whether its copies could be used. */
export function slotsDocument(seen: Observation): Fields | undefined {
  const { postgres, memory } = seen;
  if (postgres.kind !== 'running') return undefined;
  if (postgres.role === 'standby') {
    const copies = Object.entries(memory.slotProofs).map(
      ([name, { safe }]) => [name, { type: 'logical', safe }] as const,
    );
    return copies.length === 0 ? undefined : Object.fromEntries(copies);
  }
  const budgets = walBudget(seen);
  if (budgets.length === 0) return undefined;
  const xminOf = new Map(postgres.slots.map(({ name, catalogXmin }) => [name, catalogXmin]));
  return Object.fromEntries(
    budgets.map(({ name, kind, active, retainedBytes, growthBytesPerS, leftBytes, limit, endsInMs }) => [
      name,
      {
        type: kind,
        active,
        retained_bytes: retainedBytes,
        growth_bytes_per_s: growthBytesPerS === null ? null : Math.round(growthBytesPerS),
        left_bytes: leftBytes,
        limit,
        lost_in_s: endsInMs === null ? null : Math.round(endsInMs / 1_000),
        catalog_xmin: xminOf.get(name) ?? null,
      },
    ]),
  );
}
