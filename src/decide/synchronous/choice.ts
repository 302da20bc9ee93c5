import type { Member } from '../../model/cluster.ts';
import type { Observation } from '../../model/observation.ts';
import type { RunningPrimary, Sender } from '../../model/postgres.ts';
import { asNumber, asText } from '../../model/scalars.ts';
import { sameName } from '../../model/synchronousNames.ts';
import type { Lsn } from '../../model/units.ts';
import { upstreamOf } from '../cascade.ts';
import { clusterOf, me } from '../judge.ts';

/** Which standbys commits should wait for. */

export interface Choice {
  readonly name: string;
  readonly flushLsn: Lsn;
  /** PostgreSQL's own word: sync, potential, async. */
  readonly syncState: string;
  readonly nofailover: boolean;
}

interface Fit extends Choice {
  /** As far as commits wait for it. */
  readonly doneLsn: Lsn;
  readonly priority: number;
  /** Commits wait, and it is not as far as another: it may be dead behind a connection that nobody ended. */
  readonly stalled: boolean;
}

/**
 * All that could be waited for, the best first: they stream from here, their tags allow it, and they are not too far behind.
 * `asked: 'any'`: those, too, that are asked for no more (`nosync`), and have all the same what others do not have yet.
 */
export function fitStandbys(
  seen: Observation,
  primary: RunningPrimary,
  asked: 'wanted' | 'any' = 'wanted',
): readonly Choice[] {
  const cluster = clusterOf(seen);
  const members = cluster?.members ?? [];
  /** None where two bear the name: PostgreSQL takes the word of either, and one of them is no member. */
  const streaming = (name: string): Sender | undefined => {
    const named = primary.senders.filter((sender) => sameName(sender.applicationName, name));
    return named.length === 1 && named[0]?.state === 'streaming' ? named[0] : undefined;
  };
  const fit = members.flatMap((member): readonly Fit[] => {
    const { name, state, tags } = member;
    const sender = streaming(name);
    const doneLsn = sender === undefined ? null : doneBy(seen, sender);
    if (sender?.flushLsn == null || doneLsn === null || sameName(name, me(seen)) || state !== 'running') return [];
    const priority = priorityOf(member);
    if ((priority <= 0 && asked === 'wanted') || isTrue(tags.nostream)) return [];
    // It shall stream from another that streams from here, and will be gone from here when it does: not in a circle, which turns here.
    const source = cluster === null ? me(seen) : upstreamOf(cluster, me(seen), name);
    if (source !== me(seen) && streaming(source) !== undefined) return [];
    const { flushLsn, syncState } = sender;
    return [{ name, flushLsn, doneLsn, syncState, priority, nofailover: mayNotLead(member), stalled: false }];
  });
  return near(seen, primary, markStalled(primary, fit)).toSorted(byMerit);
}

/** With `remote_apply` a standby that has all and replays none of it holds commits up like one that has nothing. */
function doneBy({ settings }: Observation, { flushLsn, replayLsn }: Sender): Lsn | null {
  const waitsForReplay = settings.postgres.parameters.synchronous_commit?.toLowerCase() === 'remote_apply';
  return waitsForReplay ? replayLsn : flushLsn;
}

/** The walsender of a machine without power looks well for a minute: commits shall not wait that long if another has them. */
const stalledMs = 2_000;

function markStalled({ synchronous: { oldestWaitMs } }: RunningPrimary, fit: readonly Fit[]): readonly Fit[] {
  if (oldestWaitMs === null || oldestWaitMs < stalledMs) return fit;
  const furthest = furthestOf(fit);
  return fit.map((one) => ({ ...one, stalled: one.doneLsn < furthest }));
}

const furthestOf = (fit: readonly Fit[]): bigint => fit.map((one) => one.doneLsn).toSorted(furthestFirst)[0] ?? 0n;

function furthestFirst(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a > b ? -1 : 1;
}

const isTrue = (value: unknown): boolean => ['true', 'on', 'yes', '1'].includes(asText(value).toLowerCase());

/** `nofailover`, where it is given, counts before a `failover_priority` of 0 or less. */
function mayNotLead({ tags }: Member): boolean {
  const { nofailover = null, failover_priority: given = null } = tags;
  if (nofailover !== null) return isTrue(nofailover);
  return given !== null && Number.isInteger(asNumber(given)) && asNumber(given) <= 0;
}

/** `nosync`, or a `sync_priority` of 0 or less: never. */
function priorityOf({ tags }: Member): number {
  if (isTrue(tags.nosync)) return 0;
  const given = asNumber(tags.sync_priority ?? 1);
  return Number.isInteger(given) ? given : 1;
}

/** Within maximum_lag_on_syncnode of the furthest of them; one alone, of the primary. */
function near(seen: Observation, primary: RunningPrimary, fit: readonly Fit[]): readonly Fit[] {
  const limit = seen.settings.cluster.maximumLagBytesOnSyncNode;
  if (limit === null) return fit;
  const best = fit.length > 1 ? furthestOf(fit) : primary.flushLsn;
  return fit.filter(({ doneLsn }) => best - doneLsn <= BigInt(limit));
}

/** What is waited for already stays: a change for nothing costs a moment in which fewer may take over. */
const byMerit = (a: Fit, b: Fit): number =>
  Number(a.stalled) - Number(b.stalled) ||
  Number(a.nofailover) - Number(b.nofailover) ||
  b.priority - a.priority ||
  rankOf(a) - rankOf(b) ||
  furthestFirst(a.doneLsn, b.doneLsn) ||
  a.name.localeCompare(b.name);

const ranks = ['sync', 'quorum', 'potential'];
const rankOf = ({ syncState }: Fit): number => {
  const rank = ranks.indexOf(syncState);
  return rank < 0 ? ranks.length : rank;
};
