import type { Premise } from '../../../model/job.ts';
import type { Upstream } from '../../../model/postgres.ts';
import type { PostgresParts } from '../parts.ts';
import { peerTarget, runOnce, whyNot } from '../sessions.ts';
import { whoAnswers } from '../statements.ts';
import { isRefusal } from './hindrance.ts';
import { anotherCluster, identityOf } from './identity.ts';

const limitMs = 3_000;

/**
 * The key tells who may lead, its server whether it does: a leader that lost its power, or that went back into recovery
 * when etcd was away, is not one to give up data for; nor is another cluster's server at its address. Null: it runs as a
 * primary; else why not. `systemId`: this cluster's, null: not known.
 */
export async function whyNoPrimary(
  parts: PostgresParts,
  leader: Upstream,
  systemId: string | null,
): Promise<string | null> {
  const { member, host, port } = leader;
  const settings = parts.settings();
  const { superuser, rewind } = settings.local.postgres;
  const target = peerTarget(settings, host, port, rewind ?? superuser, false);
  const asked = await runOnce(parts.world.sql, target, [whoAnswers], limitMs);
  if (asked.kind !== 'rows') return `${member}: ${whyNot(asked)}`;
  const found = asked.rows[0]?.system_id ?? null;
  if (systemId !== null && found !== null && found !== systemId) return anotherCluster(leader, found, systemId);
  return asked.rows[0]?.in_recovery === 'f' ? null : `${member} is in recovery still`;
}

/**
 * Right before data is given up: the leader's server is one to give it up for, the data is of the same cluster as it, and so is who
 * it will be copied from. Null: it may be given up.
 */
export async function whyNotGivenUp(
  parts: PostgresParts,
  { premise, copyFrom = null }: { readonly premise: Premise; readonly copyFrom?: Upstream | null },
  leader: Upstream | null,
): Promise<string | null> {
  if (leader === null) return null;
  const control = await parts.readControl();
  const mine = typeof control === 'string' ? null : control.systemId;
  const systemId = premise.systemId ?? mine;
  if (mine !== null && mine !== systemId)
    return `${parts.places().dataDir} holds data of another cluster (system identifier ${mine}, not ${systemId}), which may be all that there is of it: move it away`;
  const noPrimary = await whyNoPrimary(parts, leader, systemId);
  if (noPrimary !== null || copyFrom === null) return noPrimary;
  return whyNoCopy(parts, copyFrom, { systemId, isOnly: copyFrom.member === leader.member });
}

/**
 * Before data is given up for a copy from there: would anything come of it? Who is silent just now is passed over for another,
 * unless it is the only one. Null: it would; else why not.
 */
async function whyNoCopy(
  parts: PostgresParts,
  from: Upstream,
  { systemId, isOnly }: { readonly systemId: string | null; readonly isOnly: boolean },
): Promise<string | null> {
  const identity = await identityOf(parts, from, systemId);
  if (identity.kind === 'ours') return null;
  return identity.kind === 'other' || isOnly || isRefusal(identity.answer) ? identity.why : null;
}
