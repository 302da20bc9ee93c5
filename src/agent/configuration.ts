import { marginMs, mergeSettings, sentinelGraceMs } from '../codec/config/merge.ts';
import type { Cluster, Member } from '../model/cluster.ts';
import type { LocalSettings, Settings } from '../model/settings.ts';
import type { InstantMs } from '../model/units.ts';

export interface ConfigurationKeeper {
  settings(): Settings;
  /** When people last changed them, or asked for the file to be read again. */
  changedMs(): InstantMs;
  /** The end of a lease of that length minus this is the fence deadline. */
  marginMs(ttlMs: number): number;
  /** How long behind a deadline the sentinel acts. */
  sentinelGraceMs(): number;
  /** Takes over what /config says now; true when anything changed. Garbage there leaves the last valid settings in force. */
  adopt(cluster: Cluster): boolean;
  /** Takes over a file that was read again. */
  reload(local: LocalSettings): void;
  /** Configuration files are behind the settings. */
  unapplied(): boolean;
  applied(): void;
  /** The file was read again since: PostgreSQL is told whether or not anything changed, as pg_hba.conf or a certificate may have. */
  reloadAsked(): boolean;
}

/** Every Patroni tells its version; a key that tells nothing is nobody's. */
const isPatroni =
  (me: string) =>
  ({ name, version, other }: Member): boolean =>
    name !== me && version !== null && !('matriarch' in other);

/** The settings in force: this node's file, and over it what the cluster says. */
export function makeConfiguration(
  firstLocal: LocalSettings,
  cachedText: string | null,
  { now, warn }: { readonly now: () => InstantMs; readonly warn: (text: string) => void },
): ConfigurationKeeper {
  let local = firstLocal;
  let text = cachedText;
  let foreignMembers = false;
  let members: readonly string[] = [];
  let relays = false;
  let unapplied = true;
  let reloadAsked = false;
  let told = '';
  let changedMs = now();
  let current = merge(null);

  function merge(previous: Settings | null): Settings {
    const { settings, warnings } = mergeSettings(local, text, previous, { foreignMembers, members, relays });
    const all = warnings.join('\n');
    if (all !== told) for (const warning of warnings) warn(warning);
    told = all;
    return settings;
  }

  return {
    settings: () => current,
    changedMs: () => changedMs,
    marginMs: (ttlMs) => marginMs(current, ttlMs),
    sentinelGraceMs: () => sentinelGraceMs(current),
    adopt(cluster) {
      const foreign = cluster.members.some(isPatroni(local.name));
      const next = cluster.config?.text ?? text;
      const names = cluster.members.map(({ name }) => name);
      const relaysNow = cluster.members.some(({ tags }) => tags.replicatefrom === local.name);
      const sameMembers = names.join('\n') === members.join('\n') && relaysNow === relays;
      if (next === text && foreign === foreignMembers && sameMembers) return false;
      if (next !== text) changedMs = now();
      text = next;
      foreignMembers = foreign;
      members = names;
      relays = relaysNow;
      current = merge(current);
      unapplied = true;
      return true;
    },
    reload(next) {
      local = next;
      changedMs = now();
      current = merge(current);
      unapplied = true;
      reloadAsked = true;
    },
    unapplied: () => unapplied,
    applied() {
      unapplied = false;
      reloadAsked = false;
    },
    reloadAsked: () => reloadAsked,
  };
}
