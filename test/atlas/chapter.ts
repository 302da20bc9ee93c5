import { decide } from '../../src/decide/decide.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { Observation } from '../../src/model/observation.ts';
import { fold } from './fold.ts';
import { tell } from './tell.ts';

/** Makes one thing about an observation so. */
export type Change = (seen: Observation) => Observation;

/** One thing that can be so or so. The changes of a chapter are made in the order of its dimensions. */
export interface Dimension {
  readonly name: string;
  readonly values: Readonly<Record<string, Change>>;
}

/** Whether this combination has one of these values; a name that is not there is a mistake, and thrown. */
export type Is = (dimension: string, ...values: string[]) => boolean;

/** All combinations of a few dimensions in one situation. */
export interface Chapter {
  readonly title: string;
  readonly start: Observation;
  readonly dimensions: readonly Dimension[];
  /** What of the decision is told; the verdict unless given. */
  readonly told?: (seen: Observation, decision: Decision) => string;
  /** Never seen by any agent: not asked about. */
  readonly cannotBe?: (is: Is) => boolean;
}

export const asIs: Change = (seen) => seen;

export const dimension = (name: string, values: Readonly<Record<string, Change>>): Dimension => ({ name, values });

/** Fewer values of a dimension. */
export const only = ({ name, values }: Dimension, ...wanted: string[]): Dimension => ({
  name,
  values: Object.fromEntries(wanted.map((value) => [value, valueNamed(values, name, value)])),
});

export const yesNo = (name: string, yes: Change): Dimension => dimension(name, { no: asIs, yes });

function valueNamed<T>(values: Readonly<Record<string, T>>, name: string, value: string): T {
  const found = values[value];
  if (found === undefined) throw new Error(`${name} has no value ${value}`);
  return found;
}

export interface Charted {
  readonly title: string;
  readonly lines: readonly string[];
  readonly combinations: number;
  readonly rules: ReadonlySet<string>;
  /** Rules that threw, and what. */
  readonly threw: ReadonlySet<string>;
}

export function chart({ title, start, dimensions, told = tell, cannotBe = () => false }: Chapter): Charted {
  const table: (string | null)[] = [];
  // One string for each outcome: the folding compares them by the million.
  const outcomes = new Map<string, string>();
  const rules = new Set<string>();
  const threw = new Set<string>();
  const chosen = new Map<string, string>();
  const is: Is = (name, ...values) => {
    const one = dimensions.find((each) => each.name === name);
    if (one === undefined) throw new Error(`${title} has no dimension ${name}`);
    for (const value of values) valueNamed(one.values, name, value);
    return values.includes(chosen.get(name) ?? '');
  };
  const walk = (depth: number, seen: Observation): void => {
    const next = dimensions[depth];
    if (next === undefined) {
      if (cannotBe(is)) {
        table.push(null);
        return;
      }
      const decision = decide(seen);
      rules.add(decision.rule).add(decision.leaseRule);
      for (const rule of decision.passed) if (rule.includes('(threw')) threw.add(rule);
      const outcome = told(seen, decision);
      if (!outcomes.has(outcome)) outcomes.set(outcome, outcome);
      table.push(outcomes.get(outcome) ?? null);
      return;
    }
    for (const [value, change] of Object.entries(next.values)) {
      chosen.set(next.name, value);
      walk(depth + 1, change(seen));
    }
  };
  walk(0, start);
  const axes = dimensions.map(({ name, values }) => ({ name, values: Object.keys(values) }));
  return { title, lines: fold(axes, table), combinations: table.filter((one) => one !== null).length, rules, threw };
}
