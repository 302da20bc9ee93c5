import type { Hindrance } from '../../../src/model/health.ts';
import { leading, peer, primary } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only } from '../chapter.ts';
import { agoMs, busy, change, jobs, paused, set } from '../dimensions.ts';
import { postgres } from '../postgres.ts';

/** I lead, the server lives, and something keeps it from its work. */

const hinders =
  (kind: Hindrance, forMs: number): Change =>
  (seen) => ({
    ...seen,
    health: { provenMs: agoMs(forMs + 5_000), hindrance: { kind, sinceMs: agoMs(forMs), why: 'x' } },
  });

export const hung: Chapter = {
  title: 'I lead: what keeps the server from its work',
  start: leading,
  dimensions: [
    only(postgres, 'primary', 'primary, checkpoint due', 'silent primary', 'standby', 'crashed primary'),
    dimension('hindrance', {
      none: asIs,
      'too many connections, long': hinders('too many connections', 600_000),
      'no answer, long': hinders('no answer', 600_000),
      'fsync stalled': hinders('fsync stalled', 20_000),
      'fsync stalled, long': hinders('fsync stalled', 31_000),
      'postmaster frozen, long': hinders('postmaster frozen', 31_000),
      'disk full, long': hinders('disk full', 31_000),
    }),
    dimension('policy', { failover: asIs, report: set({ cluster: { primaryHealth: 'report' } }) }),
    paused,
    dimension('others', {
      'have everything': change({ peers: [peer('n2', primary.flushLsn)] }),
      'are hung, too': change({ peers: [peer('n2', primary.flushLsn, { hindrance: 'disk full' })] }),
      none: change({ peers: [] }),
    }),
    dimension('job', {
      none: asIs,
      checkpoint: busy(jobs.checkpoint),
      stop: busy(jobs.stop),
    }),
  ],
};
