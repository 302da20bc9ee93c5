import type { Cluster, DcsView } from '../model/cluster.ts';
import type { NameCheck } from '../model/observation.ts';
import type { World } from '../model/world.ts';

const answerLimitMs = 3_000;

/**
 * A second agent under the same name would believe the first one's lease its own. Whoever is registered under my name is
 * asked once, when etcd first answers, and before anything is published; a real HTTP exchange, since a proxy in front
 * accepts any connection.
 */
export function makeNameCheck(
  world: Pick<World, 'http'>,
  { name, instance }: { readonly name: string; readonly instance: string },
): (dcs: DcsView) => Promise<NameCheck> {
  let found: NameCheck = { kind: 'unchecked' };

  async function ask(cluster: Cluster): Promise<NameCheck> {
    const member = cluster.members.find((one) => one.name === name);
    if (member?.apiUrl == null) return { kind: 'free', asked: false };
    const reply = await world.http.request(member.apiUrl, { method: 'GET', limitMs: answerLimitMs });
    if (reply.kind === 'silent' || reply.body.includes(instance)) return { kind: 'free', asked: true };
    return {
      kind: 'inUse',
      why: `a member named ${name} is alive at ${member.apiUrl}: two agents must not bear one name. Give this node a name of its own, or stop the other agent`,
    };
  }

  return async (dcs) => {
    if (found.kind === 'unchecked' && dcs.kind === 'reachable') found = await ask(dcs.cluster);
    return found;
  };
}
