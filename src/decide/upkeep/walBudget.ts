import type { Action } from '../../model/decision.ts';
import type { Memory, Observation } from '../../model/observation.ts';
import { retainedBy, type SlotBudget, walBudget } from '../../model/walBudget.ts';
import { runningPrimary } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** What slots keep is looked at over ten minutes: a pace that lasts, and no burst. */
const lookEveryMs = 30_000;
const looksMost = 20;
/** Told when it is nearer than that, and told to be over when it is twice as far away, or does not come any more. */
const nearMs = 6 * 3_600_000;
/** So near is told as soon as there is a pace at all. */
const veryNearMs = 30 * 60_000;
/** Anything further off is told once the pace has lasted. */
const lastsMs = 300_000;

/** The WAL that slots of a primary keep: where it grows until a slot is lost or the disk is full, that is told beforehand. */
export function walBudgets(seen: Observation): Upkeep {
  const primary = runningPrimary(seen);
  if (primary === null) return { actions: [], memory: { slotLooks: [], slotAlarms: [] } };
  const budgets = walBudget(seen);
  const { slotLooks, slotAlarms } = seen.memory;
  const newest = slotLooks.at(-1);
  const due = newest === undefined || seen.nowMs - newest.atMs >= lookEveryMs;
  const alarmed = budgets.filter((budget) => isNear(budget, seen.memory, seen.nowMs));
  const over = budgets.filter(({ name }) => slotAlarms.includes(name) && !alarmed.some((one) => one.name === name));
  return {
    actions: [
      ...alarmed.filter(({ name }) => !slotAlarms.includes(name)).map(alarm),
      ...over.map(({ name, retainedBytes }): Action => {
        const text = `slot ${name} is out of danger: it keeps ${bytesText(retainedBytes)} of WAL`;
        return { kind: 'tell', level: 'info', text };
      }),
    ],
    memory: {
      slotAlarms: alarmed.map(({ name }) => name),
      ...(due
        ? { slotLooks: [...slotLooks, { atMs: seen.nowMs, retained: retainedBy(primary) }].slice(-looksMost) }
        : {}),
    },
  };
}

function isNear({ name, endsInMs, leftBytes }: SlotBudget, { slotLooks, slotAlarms }: Memory, nowMs: number): boolean {
  const told = slotAlarms.includes(name);
  if (leftBytes === 0) return true;
  if (endsInMs === null) return false;
  const lasted = nowMs - (slotLooks[0]?.atMs ?? nowMs) >= lastsMs;
  return endsInMs < (told ? 2 * nearMs : lasted ? nearMs : veryNearMs);
}

function alarm({ name, active, retainedBytes, growthBytesPerS, endsInMs, limit }: SlotBudget): Action {
  const pace = growthBytesPerS === null ? '' : `, ${bytesText(growthBytesPerS)} more each second`;
  const end = limit === 'disk' ? 'the disk is full' : 'max_slot_wal_keep_size is reached, and it is lost';
  const user = active ? 'its consumer is too slow' : 'nobody consumes it';
  const text = `slot ${name} keeps ${bytesText(retainedBytes)} of WAL${pace} (${user}): in about ${spanText(endsInMs ?? 0)} ${end}`;
  return { kind: 'tell', level: 'warning', text };
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'];
function bytesText(bytes: number): string {
  let [count, unit] = [bytes, 0];
  while (count >= 1_024 && unit < units.length - 1) [count, unit] = [count / 1_024, unit + 1];
  return `${unit === 0 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

const spanText = (ms: number): string => {
  const minutes = Math.round(ms / 60_000);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
};
