import type { Observation } from '../../model/observation.ts';
import { iAmLeader } from '../judge.ts';
import type { Upkeep } from '../upkeep.ts';

/** on_start once PostgreSQL is up, on_role_change when its role changed, on_stop when it is down by our doing. */
export function callbacks(seen: Observation): Upkeep {
  const { postgres, memory } = seen;
  const told = memory.callbackRole;
  if (seen.jobs.kind === 'busy' && seen.jobs.job.kind !== 'promote') return { actions: [] };
  if (postgres.kind === 'running') {
    if (postgres.role === 'primary' && !iAmLeader(seen)) return { actions: [] };
    const role = postgres.role === 'primary' ? 'primary' : 'replica';
    if (told?.role === role && told.up) return { actions: [] };
    const event = told === null || told.role === role ? 'on_start' : 'on_role_change';
    return { actions: [{ kind: 'runCallback', event, role }], memory: { callbackRole: { role, up: true } } };
  }
  if (postgres.kind === 'stopped' && told?.up === true && !postgres.crashed) {
    return {
      actions: [{ kind: 'runCallback', event: 'on_stop', role: told.role }],
      memory: { callbackRole: { ...told, up: false } },
    };
  }
  return { actions: [] };
}
