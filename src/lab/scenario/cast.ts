import type { Target } from '../../model/scenario.ts';
import { readMembers } from '../bench/etcd.ts';
import type { Lab } from '../lab.ts';
import type { LabNode } from '../node.ts';

/** Who plays which role in a scenario: chosen once, at its beginning. */
export interface Cast {
  readonly primary: string;
  readonly replicas: readonly string[];
  readonly etcdLeader: string | null;
}

export async function castOf(lab: Lab, leader: string): Promise<Cast> {
  return {
    primary: leader,
    replicas: lab.nodes.map(({ name }) => name).filter((name) => name !== leader),
    etcdLeader: await etcdLeaderOf(lab),
  };
}

/** Null: nobody answers, or none leads. */
export async function etcdLeaderOf(lab: Lab): Promise<string | null> {
  const members = lab.plan.nodes.filter(({ etcd }) => etcd);
  const endpoints = members.map(({ address }) => `http://${address}:2379`).join(',');
  const argv = ['etcdctl', `--endpoints=${endpoints}`, 'endpoint', 'status', '--write-out=simple'];
  const { stdout } = await lab.client.exec(argv, { env: { ETCDCTL_API: '3' } });
  const host = readMembers(stdout).find(({ leads }) => leads)?.host;
  return members.find(({ address }) => address === host)?.name ?? null;
}

/** The machines that are meant. Throws when nobody plays the role. */
export async function machinesOf(lab: Lab, cast: Cast, targets: readonly Target[]): Promise<readonly LabNode[]> {
  const names = new Set<string>();
  for (const target of targets) for (const name of await namesOf(lab, cast, target)) names.add(name);
  return [...names].map((name) => lab.node(name));
}

async function namesOf(lab: Lab, cast: Cast, target: Target): Promise<readonly string[]> {
  if (target.kind === 'node') return [target.name];
  const some = (name: string | null | undefined): readonly string[] => {
    if (typeof name === 'string') return [name];
    throw new Error(`there is no ${target.role} in this lab of ${lab.nodes.length}`);
  };
  switch (target.role) {
    case 'primary':
      return [cast.primary];
    case 'replica':
      return some(cast.replicas[0]);
    case 'another replica':
      return some(cast.replicas[1]);
    case 'replicas':
      return cast.replicas;
    case 'all':
      return lab.nodes.map(({ name }) => name);
    case 'client':
      return [lab.client.name];
    case 'etcd leader':
      return some(cast.etcdLeader);
    case 'current primary':
      return some((await lab.status()).leader);
    default:
      return target.role satisfies never;
  }
}
