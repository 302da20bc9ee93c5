const bytesPer: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};

/** `1048576`, `16kB`, `1.5 GB`. Null when it is no size. */
export function bytesOf(text: string): bigint | null {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(B|kB|MB|GB|TB|)\s*$/.exec(text);
  const factor = bytesPer[match?.[2] ?? ''];
  const bytes = match === null || factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
  return Number.isFinite(bytes) ? BigInt(bytes) : null;
}
