import type { Upstream } from '../../../model/postgres.ts';
import type { PostgresParts } from '../parts.ts';
import { peerTarget, runOnce, whyNot } from '../sessions.ts';
import { inRecovery } from '../statements.ts';

const limitMs = 3_000;

/**
 * The key tells who may lead, its server whether it does: a leader that lost its power, or that went back into recovery
 * when etcd was away, is not one to give up data for. Null: it runs as a primary; else why not.
 */
export async function whyNoPrimary(parts: PostgresParts, { member, host, port }: Upstream): Promise<string | null> {
  const settings = parts.settings();
  const { superuser, rewind } = settings.local.postgres;
  const target = peerTarget(settings, host, port, rewind ?? superuser, false);
  const asked = await runOnce(parts.world.sql, target, [inRecovery], limitMs);
  if (asked.kind !== 'rows') return `${member}: ${whyNot(asked)}`;
  return asked.rows[0]?.in_recovery === 'f' ? null : `${member} is in recovery still`;
}
