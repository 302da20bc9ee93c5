import type { Lab } from '../lab.ts';
import { delay, must, until } from '../run.ts';

export interface EtcdMember {
  /** Name of its machine as in the endpoint. */
  readonly host: string;
  /** Hexadecimal; as a JSON number it would lose its last digits. */
  readonly id: string;
  readonly leads: boolean;
}

/** `etcdctl endpoint status --write-out=simple`: endpoint, id, version, size, is leader, … */
export function readMembers(text: string): readonly EtcdMember[] {
  return text
    .split('\n')
    .map((line) => line.split(', '))
    .filter((fields) => fields.length > 4)
    .map(([endpoint = '', id = '', , , leads]) => ({
      host: endpoint.replace(/^https?:\/\//, '').replace(/:\d+$/, ''),
      id,
      leads: leads === 'true',
    }));
}

/**
 * Sees to it that etcd's leader is not on this node. A new leader of etcd gives every lease its whole ttl again, and that
 * must neither be measured when the node dies, nor when the leader was moved: the wait after a move is for a renewal.
 */
export async function keepEtcdLeaderOff(lab: Lab, node: string, limitMs: number): Promise<boolean> {
  const { plan } = lab;
  const members = plan.nodes.filter(({ etcd }) => etcd);
  const other = members.find(({ name }) => name !== node);
  if (other === undefined) throw new Error('there is one etcd member only: it leads wherever it is');
  const etcdctl = (hosts: readonly string[], ...args: readonly string[]): Promise<string> => {
    const endpoints = hosts.map((host) => `http://${host}:2379`).join(',');
    const argv = ['etcdctl', `--endpoints=${endpoints}`, ...args];
    return must(lab.node(other.name).inside(argv, 'root'));
  };
  const seen = await until(
    async () => {
      const hosts = members.map(({ host }) => host);
      const found = await etcdctl(hosts, 'endpoint', 'status', '--write-out=simple').then(readMembers, () => []);
      return found.length === members.length && found.some(({ leads }) => leads) ? found : null;
    },
    limitMs,
    500,
  );
  if (seen === null) throw new Error(`not all members of etcd answer, or none leads, after ${limitMs} ms`);
  const own = members.find(({ name }) => name === node)?.host;
  if (seen.find(({ leads }) => leads)?.host !== own || own === undefined) return false;
  const heir = seen.find(({ host }) => host === other.host)?.id ?? '';
  await etcdctl([own], 'move-leader', heir);
  await delay((plan.timings.loopWaitS + 2) * 1_000);
  return true;
}
