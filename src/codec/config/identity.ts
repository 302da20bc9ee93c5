import type { LocalSettings } from '../../model/settings.ts';

/**
 * What makes a node the node that it is: under these an agent holds its lease, guards its server and knows its data. In another
 * file they are another node, and this server would be left alone under nobody's guard. Null: it is the same.
 */
export function otherNode(was: LocalSettings, is: LocalSettings): string | null {
  const of = ({ scope, name, namespace, stateDir, postgres }: LocalSettings): Readonly<Record<string, string>> => ({
    scope,
    name,
    namespace,
    'postgresql.data_dir': postgres.dataDir,
    'matriarch.state_dir': stateDir,
  });
  const before = of(was);
  const changed = Object.entries(of(is)).filter(([name, value]) => value !== before[name]);
  if (changed.length === 0) return null;
  const told = changed.map(
    ([name, value]) => `${name} is now ${JSON.stringify(value)}, and was ${JSON.stringify(before[name])}`,
  );
  return `${told.join('; ')}: that makes another node, for which this agent has to be stopped and started anew`;
}
