import type { Verdict } from '../model/decision.ts';
import type { Observation } from '../model/observation.ts';

/** A name that says the situation, a sentence for people, and one function: a verdict, or undefined to pass. */
export interface Rule {
  readonly name: string;
  readonly reason: string;
  readonly judge: (seen: Observation) => Verdict | undefined;
}
