import type { Machine } from './machine.ts';
import { makeNode, type NodeParts, type SimulatedNode } from './node.ts';
import { makePeerNode } from './patroni/node.ts';
import type { PeerVersion } from './patroni/settings.ts';
import { peerSettings, simulatedSettings } from './settings.ts';

interface MemberParts extends Pick<NodeParts, 'surroundings' | 'trace'> {
  /** What whoever makes the cluster writes into /config. */
  readonly dcs: Readonly<Record<string, unknown>>;
  readonly tags: Readonly<Record<string, unknown>>;
}

/** One member of a run: ours, or a Patroni of that version. */
export function makeMember(machine: Machine, patroni: PeerVersion | undefined, parts: MemberParts): SimulatedNode {
  const { surroundings, trace, dcs, tags } = parts;
  const { endpoints } = surroundings.etcd;
  if (patroni === undefined)
    return makeNode({ machine, surroundings, trace, local: simulatedSettings(machine.name, endpoints, dcs, tags) });
  return makePeerNode({ machine, surroundings, trace, settings: peerSettings(machine.name, patroni, endpoints, dcs) });
}
