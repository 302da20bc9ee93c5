import type { Action } from '../model/decision.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { callbacks } from './upkeep/callbacks.ts';
import { configuration } from './upkeep/configuration.ts';
import { failsafe } from './upkeep/failsafe.ts';
import { garbled } from './upkeep/garbled.ts';
import { guard } from './upkeep/guard.ts';
import { history } from './upkeep/history.ts';
import { member } from './upkeep/member.ts';
import { slots } from './upkeep/slots.ts';
import { status } from './upkeep/status.ts';
import { synchronous } from './upkeep/synchronous.ts';
import { walBudgets } from './upkeep/walBudget.ts';

export interface Upkeep {
  readonly actions: readonly Action[];
  readonly memory?: Partial<Memory>;
  /** Look again after this long at the latest. */
  readonly wakeInMs?: number;
}

const each: readonly ((seen: Observation) => Upkeep)[] = [
  member,
  guard,
  failsafe,
  synchronous,
  status,
  history,
  garbled,
  configuration,
  slots,
  walBudgets,
  callbacks,
];

/** What is kept in order beside the verdict. All of it runs; none of it is what safety rests on. */
export function upkeep(seen: Observation): Required<Upkeep> {
  const kept = each.map((one) => one(seen));
  return {
    actions: kept.flatMap(({ actions }) => actions),
    memory: Object.assign({}, ...kept.map(({ memory }) => memory ?? {})),
    wakeInMs: Math.min(...kept.map(({ wakeInMs }) => wakeInMs ?? Number.POSITIVE_INFINITY)),
  };
}
