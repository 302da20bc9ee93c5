import type { Fact } from '../../model/decision.ts';
import { clusterOf, iAmLeader, otherLeader } from '../judge.ts';
import type { Rule } from '../rule.ts';

/** A job is at work on the data directory: nobody else touches it, unless its reason is gone. */
const obsolete: Rule = {
  name: 'job.obsolete',
  reason: 'the job was begun in a reign that is over',
  judge(seen) {
    if (seen.jobs.kind !== 'busy' || seen.dcs.kind !== 'reachable') return undefined;
    const { job } = seen.jobs;
    const mustLead = job.kind === 'promote' || job.kind === 'startPrimary';
    const rejoins = job.kind === 'clone' || job.kind === 'rewind';
    const leader = clusterOf(seen)?.leader ?? null;
    const gone =
      (mustLead && !iAmLeader(seen)) ||
      (job.kind === 'rewind' && leader !== null && leader.name !== job.premise.leader) ||
      // It may wait for room to keep WAL. What is begun to be emptied is emptied all the same.
      (job.kind === 'removeData' && job.leader !== null && leader !== null && leader.name !== job.premise.leader) ||
      // A question to a host that died is answered by nobody, for seconds: the race must not wait for it.
      ((job.kind === 'checkDivergence' || job.kind === 'copySlots') && leader?.name !== job.from.member) ||
      (rejoins && leader !== null && otherLeader(seen) === null) ||
      (job.kind === 'promote' && seen.settings.cluster.standbyCluster !== null);
    if (!gone || seen.jobs.cancelling) return undefined;
    return {
      actions: [{ kind: 'cancelJob', why: 'its reign is over' }],
      because: [
        ['job', job.kind],
        ['leader', leader?.name ?? null],
      ],
    };
  },
};

const running: Rule = {
  name: 'job.running',
  reason: 'a job is at work on this node; the lease goes on',
  judge(seen) {
    if (seen.jobs.kind !== 'busy') return undefined;
    const { job, sinceMs, progress } = seen.jobs;
    const runningMs = seen.nowMs - sinceMs;
    const because: Fact[] = [
      ['job', job.kind],
      ['runningMs', Math.round(runningMs)],
      ['progress', progress],
    ];
    // The end of the job wakes; looks at a server that stops only keep it from doing so.
    return { actions: [], because };
  },
};

export const waitingRules: readonly Rule[] = [obsolete, running];
