import type { LocalSettings } from '../model/settings.ts';
import type { Machine } from './machine.ts';
import { makeNode, type NodeParts, type SimulatedNode } from './node.ts';
import { makePeerNode } from './patroni/node.ts';
import type { PeerVersion } from './patroni/settings.ts';
import { peerSettings, simulatedSettings } from './settings.ts';

interface MemberParts extends Pick<NodeParts, 'surroundings' | 'trace'> {
  /** What whoever makes the cluster writes into /config. */
  readonly dcs: Readonly<Record<string, unknown>>;
  /** What its file says other than those of the others. */
  readonly file: () => Partial<LocalSettings>;
}

/** One member of a run: ours, or a Patroni of that version. */
export function makeMember(machine: Machine, patroni: PeerVersion | undefined, parts: MemberParts): SimulatedNode {
  const { surroundings, trace, dcs, file } = parts;
  const { endpoints } = surroundings.etcd;
  const readLocal = (): LocalSettings => ({ ...simulatedSettings(machine.name, endpoints, dcs), ...file() });
  if (patroni === undefined) return makeNode({ machine, surroundings, trace, readLocal });
  return makePeerNode({ machine, surroundings, trace, settings: peerSettings(machine.name, patroni, endpoints, dcs) });
}
