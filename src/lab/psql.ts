import type { Lab } from './lab.ts';

/** Runs one statement on a node over the socket; rows as text, fields with | between. Throws what psql says. */
export async function sqlOn(lab: Lab, node: string, text: string, limitMs = 10_000): Promise<string> {
  const { machine, exec } = lab.node(node);
  const command = ['psql', '-h', machine.plan.paths.socketDir, '-AtXq', '-c', text];
  const ran = await exec(command, { user: 'postgres', limitMs });
  if (ran.code !== 0) throw new Error(`${node}: ${ran.stderr.trim()}`);
  return ran.stdout.trim();
}

/** `matriarch …` on a node, with the node's own configuration. */
export const ctlOn = (lab: Lab, node: string, args: readonly string[], input?: string) =>
  lab.node(node).exec(['matriarch', ...args, '-c', lab.node(node).machine.plan.paths.config], {
    limitMs: 90_000,
    ...(input === undefined ? {} : { input }),
  });
