import type { Observation } from '../../model/observation.ts';
import { iAmLeader } from '../judge.ts';
import { leaseLeftMs } from '../timing.ts';
import type { Upkeep } from '../upkeep.ts';

/**
 * on_start once PostgreSQL is up, on_role_change when its role changed, on_restart for a restart that was asked for, on_stop
 * when it is down by our doing.
 */
export function callbacks(seen: Observation): Upkeep {
  const { postgres, memory, jobs } = seen;
  const told = memory.callbackRole;
  if (jobs.kind === 'busy' && jobs.job.kind !== 'promote') return { actions: [] };
  if (postgres.kind !== 'running') return stoppedCallback(seen, false);
  if (postgres.role === 'primary' && !iAmLeader(seen)) return { actions: [] };
  const role = postgres.role === 'primary' ? 'primary' : 'replica';
  const restartedMs =
    jobs.last?.job.kind === 'restart' && jobs.last.ended === 'done' ? jobs.last.endedMs : memory.toldRestartMs;
  const restarted = restartedMs !== memory.toldRestartMs;
  const sameRole = told === null || told.role === role;
  if (sameRole && told?.up === true && !restarted) return { actions: [] };
  const event = !sameRole ? 'on_role_change' : restarted ? 'on_restart' : 'on_start';
  return {
    actions: [{ kind: 'runCallback', event, role }],
    memory: { callbackRole: { role, up: true }, toldRestartMs: restartedMs },
  };
}

/**
 * A server that crashed was not stopped by us: nothing is said of its end, and its next start is one. But a primary that lost
 * its right to lead before it could be started may never come up again: whoever set an address for it hears of that now, in
 * Patroni's word for such a server.
 */
export function stoppedCallback(seen: Observation, outlives: boolean): Upkeep {
  const { postgres, memory } = seen;
  const told = memory.callbackRole;
  if (told === null || !['stopped', 'noData', 'partialData'].includes(postgres.kind)) return { actions: [] };
  const crashed = postgres.kind === 'stopped' && postgres.crashed;
  if (crashed && told.role === 'primary' && leaseLeftMs(seen) <= 0)
    return {
      actions: [{ kind: 'runCallback', event: 'on_role_change', role: 'demoted', outlives }],
      memory: { callbackRole: { role: 'demoted', up: false } },
    };
  if (!told.up) return { actions: [] };
  return {
    actions: crashed ? [] : [{ kind: 'runCallback', event: 'on_stop', role: told.role, outlives }],
    memory: { callbackRole: { ...told, up: false } },
  };
}
