import { askAgent, parsed } from './ask.ts';
import type { Machine } from './ground.ts';
import type { MemberStatus } from './status.ts';

/**
 * What an agent says of itself alone (GET /patroni), for which it asks nobody: /cluster is a read of etcd, and waits for that as long
 * as retries may take. A primary is no leader here: who holds the key nobody can tell.
 */
export async function itself(machine: Machine, limitMs: number): Promise<readonly MemberStatus[]> {
  const told = parsed(await askAgent(machine, '/patroni', limitMs));
  if (typeof told !== 'object' || told === null || !('role' in told) || !('state' in told)) return [];
  const timeline = 'timeline' in told && typeof told.timeline === 'number' ? { timeline: told.timeline } : {};
  const role = told.role === 'master' ? 'primary' : String(told.role);
  const { name, address: host } = machine.plan;
  const streams = 'replication_state' in told && told.replication_state === 'streaming';
  return [{ name, role, state: streams ? 'streaming' : String(told.state), host, ...timeline }];
}
