import { asText } from '../../model/scalars.ts';

type Json = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Merges as PATCH /config does: mappings recursively, null removes, everything else replaces. */
export function patchConfig(document: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const merged: Record<string, unknown> = isMap(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (isMap(value)) merged[key] = patchConfig(isMap(merged[key]) ? merged[key] : {}, value);
    else if (merged[key] === undefined || asText(merged[key]) !== asText(value) || typeof value === 'object')
      merged[key] = value;
  }
  return merged;
}
