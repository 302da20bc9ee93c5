import type { ClusterSettings, LocalSettings, PostgresSettings } from '../../model/settings.ts';
import type { ConfigScope } from './dynamic.ts';
import { truth } from './dynamic.ts';

/**
 * What permanent logical slots ask of PostgreSQL's settings. A copy on a standby needs catalog rows that the primary vacuums away
 * unless it is told: by this standby, and by those that its stream passes through.
 */
export function forLogicalSlots(
  { tags }: LocalSettings,
  { permanentSlots, standbyCluster }: ClusterSettings,
  postgres: PostgresSettings,
  { relays = false }: ConfigScope,
): { postgres: PostgresSettings; warnings: readonly string[] } {
  const warnings: string[] = [];
  if (permanentSlots.length > 0 && !postgres.useSlots)
    warnings.push('slots: nothing is done about them while postgresql.use_slots is off');
  const logical = permanentSlots.filter(({ kind }) => kind === 'logical').map(({ name }) => name);
  if (logical.length === 0 || !postgres.useSlots) return { postgres, warnings };
  if (standbyCluster !== null) {
    warnings.push(`slots: ${logical.join(', ')}: a cluster that follows another has no logical slots; none is made`);
    return { postgres, warnings };
  }
  if (postgres.parameters.wal_level !== 'logical')
    warnings.push(
      `slots: ${logical.join(', ')}: logical slots need postgresql.parameters.wal_level: logical, and a restart; none is made before that`,
    );
  const holds = !tags.nostream && (relays || (!tags.nofailover && tags.failoverPriority > 0));
  if (!holds) return { postgres, warnings };
  const given = postgres.parameters.hot_standby_feedback;
  if (given !== undefined && truth(given) === false)
    warnings.push(
      'postgresql.parameters.hot_standby_feedback: off would make the copies of logical slots useless; on is used',
    );
  const parameters = { ...postgres.parameters, hot_standby_feedback: 'on' };
  return { postgres: Object.freeze({ ...postgres, parameters }), warnings };
}
