import { readPeerStatus } from '../../codec/rest/peer.ts';
import type { Cluster, Member } from '../../model/cluster.ts';
import type { PeerReport } from '../../model/peers.ts';
import type { World } from '../../model/world.ts';
import type { Running } from './server.ts';
import type { PeerDynamic } from './settings.ts';

const answerLimitMs = 2000;

interface Answer {
  readonly member: Member;
  readonly said: NonNullable<PeerReport['said']>;
  readonly position: bigint;
}

/** Who answers, within 2 s and with a position: whoever does not is no obstacle. All are asked once, at the same time. */
async function askAll(world: Pick<World, 'http'>, members: readonly Member[]): Promise<readonly Answer[]> {
  const answers = await Promise.all(
    members.map(async (member): Promise<Answer | null> => {
      if (member.apiUrl === null || member.tags.nofailover === true) return null;
      const reply = await world.http.request(member.apiUrl, { method: 'GET', limitMs: answerLimitMs });
      const said = reply.kind === 'answered' ? readPeerStatus(reply.body) : null;
      return said === null || said.position === null ? null : { member, said, position: said.position };
    }),
  );
  return answers.filter((one) => one !== null && !one.said.nofailover && !one.said.watchdogFailed) as Answer[];
}

export type Election = ReturnType<typeof makeElection>;

/** Who may lead, as Patroni finds out: by asking everybody there is a name of, at one instant. */
export function makeElection(world: Pick<World, 'http'>, name: string, dynamic: () => PeerDynamic) {
  const lagOf = (cluster: Cluster, position: bigint): bigint => (cluster.status?.optime ?? 0n) - position;

  async function healthiest(members: readonly Member[], position: bigint, former: string | null): Promise<boolean> {
    const answers = await askAll(world, members);
    return answers.every(
      ({ member, said, position: theirs }) =>
        !said.runsAsPrimary &&
        theirs <= position &&
        !(theirs === position && said.failoverPriority > 1 && member.name !== former),
    );
  }

  return {
    /** A standby without a leader in view. `before`: the members of the time when there was one. */
    async mayLead(cluster: Cluster, before: Cluster | null, server: Running): Promise<boolean> {
      const { failover } = cluster;
      if (failover?.candidate === name) return true;
      if (dynamic().pause) return false;
      const members = [
        ...new Map([...(before?.members ?? []), ...cluster.members].map((one) => [one.name, one])).values(),
      ].filter((one) => one.name !== name);
      const former = before?.leader?.name ?? null;
      if (failover !== null) {
        const candidate = members.find((one) => one.name === failover.candidate);
        if (candidate !== undefined && (await askAll(world, [candidate])).length > 0) return false;
        if (failover.leader === name) return (await askAll(world, members)).every(({ member }) => member === candidate);
        // The old leader released the key on purpose: how far behind its last word one may be is not asked.
        const others = members.filter((one) => one.name !== failover.leader);
        return healthiest(others, server.position, former);
      }
      if (lagOf(cluster, server.position) > dynamic().maximumLagBytes) return false;
      if (dynamic().checkTimeline && server.timeline < (cluster.clusterTimeline ?? 0)) return false;
      return healthiest(members, server.position, former);
    },
    /** Whether somebody could take over from me: that one, when one is named; at or beyond `from`, when given. */
    async possible(cluster: Cluster, candidate: string | null, from: bigint | null = null): Promise<boolean> {
      const members = cluster.members.filter((one) => one.name !== name && (candidate ?? one.name) === one.name);
      const answers = await askAll(world, members);
      return answers.some(({ position }) =>
        from === null ? lagOf(cluster, position) <= dynamic().maximumLagBytes : position >= from,
      );
    },
  };
}
