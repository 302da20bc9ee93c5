import type { Observation } from '../../model/observation.ts';
import { type SlotBudget, walBudget } from '../../model/walBudget.ts';
import { escapeLabel } from './label.ts';

type BySlot = readonly (readonly [slot: string, value: number])[];

/** A gauge by slot each. `own`: the labels that all metrics of this node have. */
export const writeSlotMetrics = (seen: Observation, own: string): string =>
  slotGauges(seen)
    .filter(({ values }) => values.length > 0)
    .map(({ name, help, values }) =>
      [
        `# HELP matriarch_slot_${name} ${help}`,
        `# TYPE matriarch_slot_${name} gauge`,
        ...values.map(([slot, value]) => `matriarch_slot_${name}{${own},slot="${escapeLabel(slot)}"} ${value}`),
        '',
      ].join('\n'),
    )
    .join('');

/** Of a primary: what each slot costs; of a standby: whether its copies could be used. */
function slotGauges(seen: Observation): readonly { name: string; help: string; values: BySlot }[] {
  const budgets = walBudget(seen);
  const known = (of: (budget: SlotBudget) => number | null): BySlot =>
    budgets.flatMap((budget) => {
      const value = of(budget);
      return value === null ? [] : [[budget.name, value] as const];
    });
  const inS = ({ endsInMs }: SlotBudget): number | null => (endsInMs === null ? null : endsInMs / 1_000);
  const copies = seen.postgres.kind === 'running' && seen.postgres.role === 'standby' ? seen.memory.slotProofs : {};
  return [
    { name: 'retained_bytes', help: 'WAL that the slot keeps.', values: known((one) => one.retainedBytes) },
    { name: 'growth_bytes_per_second', help: 'How fast that grows.', values: known((one) => one.growthBytesPerS) },
    { name: 'left_bytes', help: 'Until the slot is lost or the disk is full.', values: known((one) => one.leftBytes) },
    {
      name: 'lost_in_seconds',
      help: 'The same in time, at this pace; absent while it does not grow.',
      values: known(inS),
    },
    {
      name: 'copy_safe',
      help: '1 if this copy of a logical slot could be used after a promotion, else 0.',
      values: Object.entries(copies).map(([name, { safe }]) => [name, Number(safe)]),
    },
  ];
}
