import type { Fact } from './decision.ts';

/**
 * What a decision waits for that only people can do, and what that is; null: nothing. The one state in which a node that is
 * not healthy may stay.
 */
export const needIn = (because: readonly Fact[]): string | null => {
  const value = because.find(([name]) => name === 'needsOperator')?.[1];
  return typeof value === 'string' ? value : null;
};

/** In the member key, beside Patroni's fields. */
export const needField = 'needs_operator';
