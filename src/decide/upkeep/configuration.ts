import type { Action } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
import { clusterOf, iAmLeader, isGarbage, otherLeader, runningPrimary } from '../judge.ts';
import { firstConfiguration } from '../newborn.ts';
import { isSynchronous } from '../synchronous/standing.ts';
import type { Upkeep } from '../upkeep.ts';

/** What changed goes into PostgreSQL's files and is reloaded; what needs a restart is marked, and waits for one. */
export function configuration(seen: Observation): Upkeep {
  const { postgres } = seen;
  // Whom commits wait for stands in the files of a server on its way to accept writes, and would go with a standby's. Beside
  // another leader it has no right to any, and follows.
  const isTold = postgres.kind === 'running' && postgres.role === 'standby' && postgres.toldToPromote === true;
  const isRising = isTold && otherLeader(seen) === null;
  const isReady = postgres.kind === 'running' && seen.jobs.kind === 'idle' && !isRising;
  const due = seen.unapplied && isReady && !listStands(seen);
  const { names = '', written = null } = runningPrimary(seen)?.synchronous ?? {};
  const synchronousNames = written ?? names;
  return { actions: [...(due ? [{ kind: 'applyConfiguration', synchronousNames } as const] : []), ...restored(seen)] };
}

/** Synchronous mode is switched off, and /sync lets others lead still: until it is gone, they are waited for. */
function listStands(seen: Observation): boolean {
  const cluster = seen.dcs.kind === 'reachable' ? seen.dcs.cluster : seen.dcs.lastSeen;
  const waits = (runningPrimary(seen)?.synchronous.names ?? '') !== '';
  return waits && seen.held !== null && !isSynchronous(seen) && cluster?.sync != null;
}

/** A configuration that was wiped or overwritten by garbage is restored from the last valid one, by the leader alone. */
function restored(seen: Observation): readonly Action[] {
  const cluster = clusterOf(seen);
  if (cluster === null || !iAmLeader(seen)) return [];
  const broken = cluster.config === null || isGarbage(cluster, 'config') || cluster.config.text.trim() === '{}';
  const text = seen.settings.dynamicText ?? firstConfiguration(seen.settings.local.bootstrap);
  if (!broken || text === null || text.trim() === '{}' || text === cluster.config?.text) return [];
  return [{ kind: 'writeConfig', text, seenModRevision: cluster.config?.modRevision ?? null }];
}
