import type { Scenario, ServiceWord, Step, Target } from '../../model/scenario.ts';
import { delay } from '../run.ts';
import type { StepDone } from './evidence.ts';
import { faultNamed, type Strike } from './nemesis.ts';

/** What is done to the lab, step by step. */
export type Script = (take: (step: Step) => Promise<StepDone>) => Promise<void>;

export const scriptOf =
  ({ steps }: Scenario): Script =>
  async (take) => {
    for (const step of steps) await take(step);
  };

/** What the nemesis sees of the lab as a fault is due. */
export interface NemesisSight {
  leader(): Promise<string | null>;
  /** A server that is being repaired has no postmaster to kill: that fault falls flat. */
  runs(node: string, service: ServiceWord): boolean;
}

/**
 * Lets the strikes fall when they are due, several machines at a time, one fault a machine. `taken` gets each step as it was
 * taken, with its machine by name and the waits between: the scenario that plays the same again.
 */
export const nemesisScript =
  (strikes: readonly Strike[], { leader, runs }: NemesisSight, taken: (step: Step) => void): Script =>
  async (take) => {
    const beganMs = Date.now();
    let lastMs = beganMs;
    const hurt = new Map<string, { readonly dueMs: number; readonly mend: Step | null }>();
    async function act(step: Step): Promise<void> {
      const sinceMs = Math.max(0, Date.now() - lastMs); // a clock that is set back gives no pause that could be read again
      taken({ kind: 'wait', duration: { ttls: 0, ms: sinceMs } });
      taken(step);
      lastMs += sinceMs;
      await take(step);
    }
    async function mendDue(untilMs: number): Promise<void> {
      for (;;) {
        const [next] = [...hurt].toSorted(([, a], [, b]) => a.dueMs - b.dueMs);
        if (next === undefined || next[1].dueMs > untilMs) return;
        const [name, { dueMs, mend }] = next;
        await delay(Math.max(0, dueMs - Date.now()));
        hurt.delete(name);
        if (mend !== null) await act(mend);
      }
    }
    for (const { atMs, fault, node, lastsMs } of strikes) {
      await mendDue(beganMs + atMs);
      await delay(Math.max(0, beganMs + atMs - Date.now()));
      const name = node ?? (await leader());
      if (name === null || hurt.has(name)) continue;
      const of: readonly Target[] = [{ kind: 'node', name }];
      const { services, strike, mend } = faultNamed(fault);
      if (!services.every((service) => runs(name, service))) continue;
      hurt.set(name, { dueMs: beganMs + atMs + lastsMs, mend: mend?.(of) ?? null });
      await act(strike(of));
    }
    await mendDue(Number.POSITIVE_INFINITY);
  };
