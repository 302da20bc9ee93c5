import type { Cluster } from '../model/cluster.ts';
import type { MemberRow } from './rows.ts';

/** Members as a tree, the leader first, each replica below what it streams from. */
export function asTree(
  rows: readonly MemberRow[],
  cluster: Cluster,
): readonly { readonly row: MemberRow; readonly name: string }[] {
  const leader = cluster.leader?.name ?? null;
  const replicas = rows.filter(({ member }) => member.name !== leader);
  const parentOf = ({ member }: MemberRow): string | null => {
    const source = member.tags.replicatefrom;
    const cascades = replicas.some(({ member: { name } }) => name === source && name !== member.name);
    return cascades && typeof source === 'string' ? source : leader;
  };
  const seen = new Set<string>();
  const below = (parent: string | null, level: number): readonly { row: MemberRow; name: string }[] =>
    replicas
      .filter((row) => parentOf(row) === parent && !seen.has(row.member.name))
      .flatMap((row) => {
        seen.add(row.member.name);
        return [{ row, name: `${'  '.repeat(level - 1)}+ ${row.member.name}` }, ...below(row.member.name, level + 1)];
      });
  const head = rows.filter(({ member }) => member.name === leader).map((row) => ({ row, name: row.member.name }));
  const tree = below(leader, 1);
  // Two that name each other as source hang on nothing: they are shown all the same.
  const adrift = replicas
    .filter(({ member }) => !seen.has(member.name))
    .map((row) => ({ row, name: `+ ${row.member.name}` }));
  return [...head, ...tree, ...adrift];
}
