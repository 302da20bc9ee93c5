/** `1 run`, `3 runs`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** `87 ms`, `7.35 s`, `2 min 4 s`: as exact as it was measured, and no more digits than can be read. */
export function ms(value: number): string {
  // Rounded before the unit is chosen: no 1000 ms, and no 60 s beside minutes.
  if (Math.round(value) < 1_000) return `${Math.round(value)} ms`;
  const hundredths = Math.round(value / 10);
  if (hundredths < 10_000) return `${(hundredths / 100).toFixed(2)} s`;
  const seconds = Math.round(value / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
