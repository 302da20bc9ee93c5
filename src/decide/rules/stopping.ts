import type { Fact } from '../../model/decision.ts';
import { iAmLeader } from '../judge.ts';
import type { Rule } from '../rule.ts';
import { orderlyStop } from '../timing.ts';

/** For so long a stop that somebody else began may go on by itself. */
const patienceMs = 3_000;

/**
 * PostgreSQL was told to stop by a signal, or by pg_ctl, and not by this agent. A smart stop lets nobody in and waits for all
 * clients to leave, this agent's own session among them: that may take days, in which the node neither works nor gives way.
 */
const unasked: Rule = {
  name: 'postgres.stopsUnasked',
  reason:
    'somebody else told PostgreSQL to stop, and it waits for its clients to leave: the stop is ended, so that it can be started',
  judge(seen) {
    const { postgres, settings } = seen;
    if (postgres.kind !== 'stopping' || postgres.homeless === true || settings.cluster.pause) return undefined;
    const forMs = seen.nowMs - postgres.sinceMs;
    const because: Fact[] = [
      ['leads', iAmLeader(seen)],
      ['forMs', Math.round(forMs)],
    ];
    if (forMs < patienceMs) return { actions: [], because, wakeInMs: patienceMs - forMs };
    // A fast stop that is under way already, at its checkpoint or with its walsenders, takes the time it takes.
    const why = 'somebody else told it to stop';
    const job = { kind: 'stop', mode: 'fast', why, checkpointFirst: false, budget: orderlyStop(seen) } as const;
    return { actions: [{ kind: 'startJob', job }], because };
  },
};

export const stoppingRules: readonly Rule[] = [unasked];
