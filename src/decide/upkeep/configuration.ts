import type { Observation } from '../../model/observation.ts';
import { clusterOf, iAmLeader } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** A configuration that was wiped or overwritten by garbage is restored from the last valid one, by the leader alone. */
export function configuration(seen: Observation): Upkeep {
  const cluster = clusterOf(seen);
  if (cluster === null || !iAmLeader(seen)) return { actions: [] };
  const broken =
    cluster.config === null ||
    cluster.garbage.some(({ key }) => key === 'config') ||
    cluster.config.text.trim() === '{}';
  const text =
    seen.settings.dynamicText ??
    (seen.settings.local.bootstrap === null ? null : JSON.stringify(seen.settings.local.bootstrap.dcs));
  if (!broken || text === null || text.trim() === '{}' || text === cluster.config?.text) return { actions: [] };
  return { actions: [{ kind: 'writeConfig', text, seenModRevision: cluster.config?.modRevision ?? null }] };
}
