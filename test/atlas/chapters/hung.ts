import type { Hindrance } from '../../../src/model/health.ts';
import { term, timeline } from '../../../src/model/units.ts';
import { leading, peer, primary } from '../../decide/values.ts';
import { asIs, type Change, type Chapter, dimension, only } from '../chapter.ts';
import { agoMs, both, busy, change, ended, jobs, paused, remember, set } from '../dimensions.ts';
import { postgres } from '../postgres.ts';

/** I lead, the server lives, and something keeps it from its work. */

const hinders =
  (kind: Hindrance, forMs: number): Change =>
  (seen) => ({
    ...seen,
    health: { provenMs: agoMs(forMs + 5_000), hindrance: { kind, sinceMs: agoMs(forMs), why: 'x' } },
  });

const inReign = (of: bigint) => ({ term: term(of), kind: 'fsync stalled', timeline: timeline(5) }) as const;

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

/** Stopped for it. */
export const stoppedHung: Chapter = {
  title: 'I lead, and stopped a server that hung',
  start: leading,
  dimensions: [
    only(postgres, 'stopped primary', 'crashed primary', 'backends left over'),
    dimension('stop', {
      'of this reign': both(remember({ hung: inReign(40n) }), ended(jobs.stop, 'done')),
      failed: both(remember({ hung: inReign(40n) }), ended(jobs.stop, 'failed')),
      'of another': both(remember({ hung: inReign(39n) }), ended(jobs.stop, 'done')),
    }),
    paused,
    dimension('others', {
      'have everything': change({ peers: [peer('n2', primary.flushLsn)] }),
      none: change({ peers: [] }),
    }),
  ],
};
