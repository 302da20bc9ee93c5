import type { Strike } from './nemesis.ts';
import { type RunAccount, type RunPlan, runPlan } from './run.ts';

export interface Minimizing {
  /** After each try: how many faults are left, and how long the run is. */
  tried(progress: { readonly tries: number; readonly faults: number; readonly safetyMs: number }): void;
}

/** What a run shows that fewer faults may show as well: broken laws first, then what an assumption's end excuses. */
export const keysOf = ({ findings, broken }: RunAccount): readonly string[] => [
  ...findings.map(({ law, kind }) => `${law} ${kind}`),
  ...broken.flatMap(({ excused }) => excused.map(({ law, kind }) => `${law} ${kind}, excused`)),
];

/**
 * The fewest faults, and the shortest first phase, with which the run still breaks the same law in the same way: delta
 * debugging over what struck, then the time is cut. The same seed throughout, so that the rest stays what it was.
 */
export async function minimize(broken: RunAccount, { tried }: Minimizing): Promise<RunAccount> {
  const [wanted = ''] = keysOf(broken);
  if (wanted === '') throw new Error('nothing was found in this run');
  let tries = 0;
  let best = broken;

  async function breaks(change: Pick<RunPlan, 'strikes'> & { readonly safetyMs?: number }): Promise<boolean> {
    const account = await runPlan({ ...best.plan, ...change });
    tries += 1;
    const found = keysOf(account).includes(wanted);
    if (found) best = account;
    tried({ tries, faults: best.strikes.length, safetyMs: best.plan.safetyMs });
    return found;
  }

  // The faults written down must do what the drawn ones did.
  if (!(await breaks({ strikes: broken.strikes }))) return broken;
  await fewer((strikes) => breaks({ strikes }));
  await shorter((safetyMs) => breaks({ strikes: best.strikes, safetyMs }));
  return best;

  async function fewer(holds: (strikes: readonly Strike[]) => Promise<boolean>): Promise<void> {
    for (let parts = 2; best.strikes.length > 0; ) {
      const size = Math.ceil(best.strikes.length / parts);
      let found = false;
      for (let at = 0; at < best.strikes.length && !found; at += size)
        found = await holds([...best.strikes.slice(0, at), ...best.strikes.slice(at + size)]);
      if (found) parts = Math.max(parts - 1, 2);
      else if (size === 1) return;
      else parts = Math.min(parts * 2, best.strikes.length);
    }
  }

  async function shorter(holds: (safetyMs: number) => Promise<boolean>): Promise<void> {
    for (let cutMs = best.plan.safetyMs / 2; cutMs >= 1000; ) {
      const safetyMs = Math.round(best.plan.safetyMs - cutMs);
      if (safetyMs <= 0 || !(await holds(safetyMs))) cutMs /= 2;
    }
  }
}
