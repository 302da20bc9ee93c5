/**
 * What somebody wrote, whatever it is, as one text. `String` itself throws where a mapping has a `toString` of its own that is no
 * function: whoever can write to a key must not end the agents with it.
 */
export function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map((one) => (one === null || one === undefined ? '' : asText(one))).join(',');
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** The same for numbers: NaN of what is no scalar. */
export const asNumber = (value: unknown): number =>
  typeof value === 'object' && value !== null ? Number.NaN : Number(value);
