import type { LocalSettings, Settings } from '../../model/settings.ts';
import { isTooDeep } from '../depth.ts';
import { type ConfigScope, readDynamic } from './dynamic.ts';
import { forLogicalSlots } from './logicalSlots.ts';
import { readPostgresSettings } from './postgres.ts';

/**
 * The settings in force: built-in, under the cluster's document, under this node's file. A document that can not be read
 * leaves the last valid one in force; none at all counts as `bootstrap.dcs`.
 */
export function mergeSettings(
  local: LocalSettings,
  dynamicText: string | null,
  previous: Settings | null,
  scope: ConfigScope,
): { settings: Settings; warnings: readonly string[] } {
  const parsed = dynamicText === null ? null : parse(dynamicText);
  const usable =
    parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed) && Object.keys(parsed).length > 0;
  const broken = dynamicText !== null && !usable;
  const text = usable ? dynamicText : (previous?.dynamicText ?? null);
  const document: unknown = text === null ? (local.bootstrap?.dcs ?? {}) : parse(text);
  const { cluster, warnings } = readDynamic(document, previous?.cluster ?? null, scope);
  const section: unknown =
    typeof document === 'object' && document !== null && 'postgresql' in document ? document.postgresql : {};
  const { postgres: plain, warnings: more } = readPostgresSettings(local, section);
  const { postgres, warnings: ofSlots } = forLogicalSlots(local, cluster, plain, scope);
  return {
    settings: Object.freeze({ local, cluster, postgres, dynamicText: text }),
    warnings: [
      ...(broken ? ['/config can not be read as settings; the last valid ones stay in force'] : []),
      ...warnings,
      ...more,
      ...ofSlots,
    ],
  };
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isTooDeep(value) ? null : value;
  } catch {
    return null;
  }
}

/** Lease end minus this is the fence deadline: at most a quarter of a short ttl, never so much that no right is left. */
export function marginMs({ cluster, local }: Settings): number {
  const wanted = local.watchdog.safetyMarginMs < 0 ? cluster.ttlMs / 2 : local.watchdog.safetyMarginMs;
  return Math.max(500, Math.min(wanted, cluster.ttlMs / (cluster.ttlMs < 20_000 ? 4 : 2)));
}
