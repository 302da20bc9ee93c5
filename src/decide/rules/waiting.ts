import type { Fact } from '../../model/decision.ts';
import type { Observation } from '../../model/observation.ts';
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
      sourceIsGone(seen) ||
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

/** How long a copy may say nothing before it counts that its source has left. */
const quietMs = 10_000;

/**
 * Another leads, the source is no member any more, and nothing comes from it: it froze, or was taken away, and its kernel may hold the
 * connection for ever. A copy that gets on is left alone, whatever became of its source's agent; and so is what an operator's own
 * method does, which may not need the source at all.
 */
function sourceIsGone({ nowMs, jobs, settings, ...seen }: Observation): boolean {
  if (jobs.kind !== 'busy' || jobs.job.kind !== 'clone' || seen.dcs.kind !== 'reachable') return false;
  const { from, premise, onlyBasebackup } = jobs.job;
  const { leader, members } = seen.dcs.cluster;
  if (from === null || leader === null || leader.name === premise.leader) return false;
  if (onlyBasebackup !== true && settings.postgres.replicaMethods.some(({ kind }) => kind === 'command')) return false;
  return members.every(({ name }) => name !== from.member) && nowMs - (jobs.progressMs ?? jobs.sinceMs) >= quietMs;
}

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
