import type { World } from '../model/world.ts';
import type { Dcs } from './dcs/dcs.ts';

/**
 * A second agent under the same name would believe the first one's lease its own. Refuses when whoever is registered
 * under my name answers; a real HTTP exchange, since a proxy in front accepts any connection.
 */
export async function nameInUse(
  world: Pick<World, 'http'>,
  dcs: Pick<Dcs, 'read'>,
  name: string,
  instance: string,
): Promise<string | null> {
  const view = await dcs.read(1_400);
  if (view.kind === 'unreachable') return null; // nothing is known: whoever holds the key is asked when it is
  const member = view.cluster.members.find((one) => one.name === name);
  if (member?.apiUrl == null) return null;
  const reply = await world.http.request(member.apiUrl, { method: 'GET', limitMs: 3_000 });
  if (reply.kind === 'silent' || reply.body.includes(instance)) return null;
  return `a member named ${name} is alive at ${member.apiUrl}: two agents must not bear one name. Give this node a name of its own, or stop the other agent`;
}
