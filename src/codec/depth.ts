/** No configuration is as deep. What walks a document recurses: a deeper one is garbage, or meant to break whoever reads it. */
export const depthMax = 100;

/** Level by level, without recursion: that is the point of it. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= depthMax; depth += 1) {
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
    if (level.length === 0) return false;
  }
  return true;
}
