import type { Lab } from '../lab.ts';
import { sqlOn } from '../psql.ts';
import { until } from '../run.ts';

/**
 * Waits until every other member streams and has replayed what the primary had written when it was first asked: a replica
 * whose cable is out counts as streaming for a minute. Null: not within the limit.
 */
export async function untilStreaming(
  lab: Lab,
  limitMs: number,
  signal?: AbortSignal,
): Promise<{ readonly leader: string; readonly afterMs: number } | null> {
  const beganMs = Date.now();
  let wanted: { readonly leader: string; readonly lsn: string } | null = null;
  return until(
    async () => {
      const { leader } = await lab.status();
      if (leader === null) return null;
      if (wanted?.leader !== leader) {
        const lsn = await ask(lab, leader, 'select pg_current_wal_lsn()');
        wanted = lsn === '' ? null : { leader, lsn };
      }
      if (wanted === null) return null;
      const streaming = `select pg_is_in_recovery(), count(distinct application_name) from pg_stat_replication
        where state = 'streaming' and replay_lsn >= '${wanted.lsn}'`;
      const all = (await ask(lab, leader, streaming)) === `f|${lab.nodes.length - 1}`;
      return all ? { leader, afterMs: Date.now() - beganMs } : null;
    },
    limitMs,
    100,
    signal,
  );
}

/** Empty: no answer. */
const ask = (lab: Lab, node: string, text: string): Promise<string> => sqlOn(lab, node, text, 3_000).catch(() => '');
