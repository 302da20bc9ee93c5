import type { Versioned } from '../../model/cluster.ts';

/** What a Patroni member's own file says. */
export interface PeerSettings {
  readonly name: string;
  readonly scope: string;
  readonly namespace: string;
  readonly version: PeerVersion;
  readonly endpoints: readonly string[];
  readonly dataDir: string;
  readonly binDir: string;
  readonly postgresPort: number;
  readonly restPort: number;
  /** What it writes into /config when it bootstraps a cluster. */
  readonly dcs: Readonly<Record<string, unknown>>;
}

/** The two that docs and Debian bring along. Before 4 it says `master`, and puts the leader key without a condition. */
export const peerVersions = ['4.1.4', '3.0.2'] as const;
export type PeerVersion = (typeof peerVersions)[number];
export const isBefore4 = (version: PeerVersion): boolean => version === '3.0.2';

/** The dynamic configuration as it reads it. */
export interface PeerDynamic {
  readonly text: string;
  readonly ttlMs: number;
  readonly loopWaitMs: number;
  readonly retryTimeoutMs: number;
  readonly maximumLagBytes: bigint;
  readonly primaryStartTimeoutMs: number;
  readonly checkTimeline: boolean;
  readonly pause: boolean;
  readonly parameters: Readonly<Record<string, string>>;
}

/** What loop_wait and retry_timeout must leave room for is made to fit, as Patroni does: first the one, then the other. */
export function readDynamic(text: string): PeerDynamic | null {
  const value = objectOf(text);
  if (value === null || Object.keys(value).length === 0) return null;
  const seconds = (name: string, otherwise: number): number => {
    const given = value[name];
    return typeof given === 'number' ? given : otherwise;
  };
  const ttl = Math.max(20, seconds('ttl', 30));
  let loopWait = Math.max(1, seconds('loop_wait', 10));
  let retryTimeout = Math.max(3, seconds('retry_timeout', 10));
  if (loopWait + 2 * retryTimeout > ttl) {
    loopWait = Math.max(1, ttl - 2 * retryTimeout);
    if (1 + 2 * retryTimeout > ttl) retryTimeout = Math.floor((ttl - 1) / 2);
  }
  const postgresql = value.postgresql as { readonly parameters?: Readonly<Record<string, unknown>> } | undefined;
  const lag = value.maximum_lag_on_failover;
  return {
    text,
    ttlMs: ttl * 1000,
    loopWaitMs: loopWait * 1000,
    retryTimeoutMs: retryTimeout * 1000,
    maximumLagBytes: BigInt(typeof lag === 'number' ? lag : 1_048_576),
    primaryStartTimeoutMs: seconds('primary_start_timeout', 300) * 1000,
    checkTimeline: value.check_timeline === true,
    pause: value.pause === true,
    parameters: Object.fromEntries(
      Object.entries(postgresql?.parameters ?? {}).map(([name, given]) => [name, String(given)]),
    ),
  };
}

export const dynamicOf = (config: Versioned | null): PeerDynamic | null =>
  config === null ? null : readDynamic(config.text);

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null;
  } catch {
    return null;
  }
}
