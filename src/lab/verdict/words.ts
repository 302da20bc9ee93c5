/** `1 run`, `3 runs`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** `87 ms`, `7.35 s`, `2 min 4 s`: as exact as it was measured, and no more digits than can be read. */
export function ms(value: number): string {
  if (value < 1_000) return `${Math.round(value)} ms`;
  if (value < 100_000) return `${(value / 1_000).toFixed(2)} s`;
  return `${Math.floor(value / 60_000)} min ${Math.round((value % 60_000) / 1_000)} s`;
}
