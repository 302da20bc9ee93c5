import { asText } from '../../model/scalars.ts';
import type { ClusterSettings } from '../../model/settings.ts';
import { standbyClusterOf } from '../../model/standbyCluster.ts';
import { readSlots } from './slots.ts';

export interface ConfigScope {
  /** A member that is not ours (a Patroni) lives in this scope: its least ttl of 20 s holds for all. */
  readonly foreignMembers: boolean;
  /** Names of all members: each has a slot of its own. */
  readonly members?: readonly string[];
  /** A member streams from this one. */
  readonly relays?: boolean;
}

type Json = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Decimal, 0x, leading-0 octal, as a number or as text. Null: no integer. */
export function integer(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  if (typeof value !== 'string') return null;
  const text = value.trim();
  if (/^[+-]?0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^[+-]?(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : null;
}

export const truth = (value: unknown): boolean | null =>
  ['on', 'true', 'yes', '1'].includes(asText(value).toLowerCase())
    ? true
    : ['off', 'false', 'no', '0'].includes(asText(value).toLowerCase())
      ? false
      : null;

const leastTtlS = 5;
export const leastTtlMs = leastTtlS * 1000;
const patroniLeastTtlS = 20;

/**
 * The cluster-wide settings, adjusted until they are possible. Total: garbage leaves what was valid before. `refused`: what makes the
 * document one that is ignored as a whole.
 */
export function readDynamic(
  document: unknown,
  previous: ClusterSettings | null,
  scope: ConfigScope,
): { cluster: ClusterSettings; warnings: readonly string[]; refused?: readonly string[] } {
  const warnings: string[] = [];
  if (!isMap(document))
    return {
      cluster: previous ?? readDynamic({}, null, scope).cluster,
      warnings: ['/config is no mapping of settings; the last valid settings stay in force'],
    };
  const whole = (names: readonly string[], fallback: number, least: number): number => {
    const name = names.find((one) => document[one] !== undefined && document[one] !== null);
    if (name === undefined) return fallback;
    const value = integer(document[name]);
    if (value === null || value < least) {
      warnings.push(
        `${name}: ${JSON.stringify(document[name])} is no whole number of ${least} or more (units are not taken); ${fallback} is used`,
      );
      return fallback;
    }
    return value;
  };
  const refused: string[] = [];
  const timings = readTimings(document, scope, warnings, refused);
  const garbled = garbledSwitches(document, refused);
  warnings.push(...refused.map((why) => `${why}; the new settings are ignored as a whole`));
  if (timings === null || garbled.length > 0) {
    // An agent that just began knows nothing older: all that can be read holds, whether to lead, to promote, or to wait. A mode
    // that cannot be read is taken for the one that loses nothing.
    const readable = {
      ...document,
      ...(timings === null ? { ttl: null, loop_wait: null, retry_timeout: null } : {}),
      ...Object.fromEntries(garbled.map((name) => [name, name === 'synchronous_mode' ? true : null])),
    };
    return { cluster: previous ?? readDynamic(readable, null, scope).cluster, warnings, refused };
  }
  const standbyCluster = standbyClusterOf(document.standby_cluster);
  if (standbyCluster !== null)
    warnings.push(
      'standby_cluster: following a remote primary is not done yet: nobody is promoted or made new here while it is set',
    );
  const synchronous =
    standbyCluster !== null
      ? 'off'
      : document.synchronous_mode === 'quorum'
        ? 'quorum'
        : truth(document.synchronous_mode) === true
          ? 'on'
          : 'off';
  const slotsTtl =
    document.member_slots_ttl === undefined || document.member_slots_ttl === null
      ? 1800
      : (integer(document.member_slots_ttl) ?? seconds(document.member_slots_ttl));
  if (slotsTtl === null || slotsTtl < 0)
    warnings.push(`member_slots_ttl: ${JSON.stringify(document.member_slots_ttl)} is no duration; 1800 is used`);
  const lagOnSyncNode = whole(['maximum_lag_on_syncnode'], -1, -1);
  return {
    warnings,
    cluster: Object.freeze({
      ...timings,
      maximumLagBytesOnFailover: whole(['maximum_lag_on_failover'], 1_048_576, 0),
      primaryStartTimeoutMs: whole(['primary_start_timeout', 'master_start_timeout'], 300, 0) * 1000,
      primaryStopTimeoutMs: whole(['primary_stop_timeout', 'master_stop_timeout'], 0, 0) * 1000,
      ...readPrimaryHealth(document, timings.loopWaitMs, warnings),
      memberSlotsTtlMs: (slotsTtl !== null && slotsTtl >= 0 ? slotsTtl : 1800) * 1000,
      maxTimelinesHistory: whole(['max_timelines_history'], 0, 0),
      checkTimeline: truth(document.check_timeline) === true,
      pause: truth(document.pause) === true,
      failsafeMode: truth(document.failsafe_mode) === true,
      synchronousMode: synchronous,
      synchronousStrict: truth(document.synchronous_mode_strict) === true,
      synchronousNodeCount: whole(['synchronous_node_count'], 1, 1),
      maximumLagBytesOnSyncNode: lagOnSyncNode > 0 ? lagOnSyncNode : null,
      standbyCluster,
      ...readSlots(document, scope.members ?? [], warnings),
      aheadGraceMs: 1_000,
    }),
  };
}

/** What is neither on nor off says nothing of what was meant: a typing error must not end what loses no commit. */
function garbledSwitches(document: Json, refused: string[]): readonly string[] {
  const names = ['synchronous_mode', 'synchronous_mode_strict', 'failsafe_mode', 'check_timeline', 'pause'];
  const garbled = names.filter((name) => {
    const value = document[name] ?? null;
    return value !== null && truth(value) === null && !(name === 'synchronous_mode' && value === 'quorum');
  });
  for (const name of garbled) {
    const known = name === 'synchronous_mode' ? 'true, false or quorum' : 'true or false';
    refused.push(`${name}: ${shown(document[name])} is not ${known}`);
  }
  return garbled;
}

const shownMost = 60;
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= shownMost ? text : `${text.slice(0, shownMost)}…`;
}

/** ttl, loop_wait and retry_timeout, and how they relate. Null: one of them is no integer, and the whole document is refused. */
function readTimings(
  document: Json,
  scope: ConfigScope,
  warnings: string[],
  refused: string[],
): Pick<ClusterSettings, 'ttlMs' | 'loopWaitMs' | 'retryTimeoutMs'> | null {
  const given = { ttl: 30, loop_wait: 10, retry_timeout: 10 };
  for (const name of ['ttl', 'loop_wait', 'retry_timeout'] as const) {
    if (document[name] === undefined || document[name] === null) continue;
    const value = integer(document[name]);
    if (value === null) {
      refused.push(`${name}: ${shown(document[name])} is no whole number of seconds, written without a unit`);
      return null;
    }
    given[name] = value;
  }
  const raise = (name: keyof typeof given, least: number, why = ''): void => {
    if (given[name] >= least) return;
    warnings.push(`${name}: ${given[name]} is less than ${least}${why}; ${least} is used`);
    given[name] = least;
  };
  if (scope.foreignMembers) raise('ttl', patroniLeastTtlS, ', the least that the Patroni members of this cluster take');
  else raise('ttl', leastTtlS);
  const short = given.ttl < patroniLeastTtlS;
  if (short)
    warnings.push(
      `ttl: ${given.ttl} is shorter than Patroni's least of ${patroniLeastTtlS}: honoured while no Patroni member is in the cluster`,
    );
  raise('loop_wait', 1);
  raise('retry_timeout', short ? 1 : 3);
  if (given.loop_wait + 2 * given.retry_timeout > given.ttl) {
    const before = `loop_wait ${given.loop_wait} + 2 x retry_timeout ${given.retry_timeout} = ${given.loop_wait + 2 * given.retry_timeout} is more than ttl ${given.ttl}`;
    if (1 + 2 * given.retry_timeout > given.ttl) {
      given.loop_wait = 1;
      given.retry_timeout = Math.floor((given.ttl - 1) / 2);
    } else given.loop_wait = given.ttl - 2 * given.retry_timeout;
    warnings.push(`${before}; loop_wait ${given.loop_wait} and retry_timeout ${given.retry_timeout} are used`);
  }
  return { ttlMs: given.ttl * 1000, loopWaitMs: given.loop_wait * 1000, retryTimeoutMs: given.retry_timeout * 1000 };
}

const healthWords = ['report', 'failover'] as const;
const isHealthWord = (value: unknown): value is (typeof healthWords)[number] =>
  healthWords.some((word) => word === value);
const healthTimeoutS = 30;

/** A primary is looked at once a loop_wait: what it is judged by takes two looks at least. */
function readPrimaryHealth(
  document: Json,
  loopWaitMs: number,
  warnings: string[],
): Pick<ClusterSettings, 'primaryHealth' | 'primaryHealthTimeoutMs'> {
  const policy = document.primary_health ?? 'failover';
  if (!isHealthWord(policy))
    warnings.push(`primary_health: ${JSON.stringify(policy)} is neither report nor failover; report is used`);
  const given = document.primary_health_timeout ?? null;
  const timeoutS = given === null ? healthTimeoutS : integer(given);
  const leastS = loopWaitMs / 1000;
  if (timeoutS === null)
    warnings.push(
      `primary_health_timeout: ${JSON.stringify(given)} is no whole number of seconds (units are not taken); ${Math.max(healthTimeoutS, leastS)} is used`,
    );
  else if (given !== null && timeoutS < leastS)
    warnings.push(
      `primary_health_timeout: ${timeoutS} is less than loop_wait ${leastS}, in which a primary is looked at once; ${leastS} is used`,
    );
  return {
    primaryHealth: isHealthWord(policy) ? policy : 'report',
    primaryHealthTimeoutMs: Math.max(timeoutS ?? healthTimeoutS, leastS) * 1000,
  };
}

const perUnit: Readonly<Record<string, number>> = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86_400 };

function seconds(value: unknown): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*$/.exec(asText(value));
  return match === null ? null : Number(match[1]) * (perUnit[match[2] ?? ''] ?? 1);
}
