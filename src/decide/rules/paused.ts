import { iAmLeader, otherLeader, runningPrimary } from '../judge.ts';
import type { Rule } from '../rule.ts';

/** Maintenance mode: people are at work, the agent looks on. The lease goes on; nothing is started, stopped or promoted. */
const stoppedLeader: Rule = {
  name: 'paused.leaderDown',
  reason: 'the cluster is paused and PostgreSQL is down: the key is given back',
  judge(seen) {
    if (!seen.settings.cluster.pause || !iAmLeader(seen) || seen.postgres.kind !== 'stopped') return undefined;
    return { actions: [{ kind: 'releaseLeaderKey', lsn: null }], because: [['postgres', 'stopped']] };
  },
};

const down: Rule = {
  name: 'paused.down',
  reason: 'the cluster is paused: a stopped PostgreSQL stays stopped',
  judge(seen) {
    if (!seen.settings.cluster.pause || seen.postgres.kind !== 'stopped') return undefined;
    return { actions: [], because: [['paused', true]] };
  },
};

const secondPrimary: Rule = {
  name: 'paused.primaryWithoutKey',
  reason: 'the cluster is paused and this primary does not hold the leader key: left to the operator',
  judge(seen) {
    if (!seen.settings.cluster.pause || runningPrimary(seen) === null || iAmLeader(seen)) return undefined;
    return { actions: [], because: [['leader', otherLeader(seen)?.name ?? null]] };
  },
};

export const pausedRules: readonly Rule[] = [stoppedLeader, down, secondPrimary];
