import type { LocalSettings, Settings } from '../../model/settings.ts';
import { isTooDeep } from '../depth.ts';
import { type ConfigScope, leastTtlMs, readDynamic } from './dynamic.ts';
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
  const usable = dynamicText !== null && isUsable(parse(dynamicText));
  const broken = dynamicText !== null && !usable;
  const before = previous?.dynamicText ?? null;
  const documentOf = (of: string | null): unknown => (of === null ? (local.bootstrap?.dcs ?? {}) : parse(of));
  const given = usable ? dynamicText : before;
  const read = readDynamic(documentOf(given), previous?.cluster ?? null, scope);
  // Refused as a whole, and for the next agent too: what was valid last is what is kept, as it was written.
  const isKept = read.refused !== undefined && before !== null && before !== given;
  const text = isKept ? before : given;
  const document = documentOf(text);
  const { warnings } = read;
  const { cluster } = isKept ? readDynamic(document, previous?.cluster ?? null, scope) : read;
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

/** Patroni, too, passes an empty document over. */
const isUsable = (parsed: unknown): boolean =>
  typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) && Object.keys(parsed).length > 0;

/**
 * Why no agent would take over a document that is about to be written, with what to do; null: they take it, if perhaps with a
 * warning. What a Patroni would take is refused only where all agents here would ignore everything that is in it.
 */
export function refusalOf(text: string): string | null {
  const document = parse(text);
  if (!isUsable(document)) return 'an empty document is passed over by all members: leave a setting in it, as ttl: 30';
  const { refused } = readDynamic(document, null, { foreignMembers: false });
  return refused === undefined ? null : `${refused.join('; ')}: all members would ignore the whole document`;
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isTooDeep(value) ? null : value;
  } catch {
    return null;
  }
}

/** `safety_margin: 0`, too, leaves this: a sentinel that was told a larger margin as its server started acts later than one would today. */
const leastMarginMs = 1_000;

/** Lease end minus this is the fence deadline: at most a quarter of a short ttl, never so much that no right is left. `ttlMs`: of the lease. */
export function marginMs({ local }: Settings, ttlMs: number): number {
  const wanted = local.watchdog.safetyMarginMs < 0 ? ttlMs / 2 : local.watchdog.safetyMarginMs;
  return Math.max(leastMarginMs, Math.min(wanted, ttlMs / (ttlMs < 20_000 ? 4 : 2)));
}

/**
 * How long behind a deadline the sentinel acts: it is told once, as its server starts, and each ttl and each margin that comes after
 * that, also the shortest, must leave it time before the lease ends. So it is 0.5 to 0.625 s, whatever the settings.
 */
export const sentinelGraceMs = (settings: Settings): number => Math.round(marginMs(settings, leastTtlMs) / 2);
