import { readTags } from '../../src/codec/config/tags.ts';
import type { LocalSettings } from '../../src/model/settings.ts';
import { type SimulatedCluster, type SimulateOptions, simulate } from '../../src/sim/cluster.ts';
import { keyOf, members } from '../scenarios/stage.ts';

/** The words that acceptance scenarios have in common: they say who leads at first, and who comes later. */

export const [first, second, third] = members;

/** A file with these tags. */
export const tagged = (tags: object): Partial<LocalSettings> => ({ tags: readTags({ ...tags }, () => {}) });

/**
 * n1 makes the cluster, and leads it. The agents of the others begin then, one after the other, but for `absent`: of those only
 * the machines are there, and their members of etcd.
 */
export async function begunByFirst(
  seed: number,
  {
    settings = {},
    tags = {},
  }: { settings?: SimulateOptions['settings']; tags?: Readonly<Record<string, object>> } = {},
  absent: readonly string[] = [],
): Promise<SimulatedCluster> {
  const files = Object.fromEntries(Object.entries(tags).map(([name, given]) => [name, tagged(given)]));
  const cluster = simulate({ members, seed, writeEveryMs: 250, settings, files });
  const later = members.filter((name) => name !== first);
  for (const name of later) cluster.agent(name).kill({ restartAfterMs: null });
  await cluster.until(() => cluster.primary() === first && keyOf(cluster, 'leader') === first, { withinMs: 30_000 });
  for (const name of later) if (!absent.includes(name)) await joins(cluster, name);
  await cluster.run(12_000);
  cluster.mark();
  return cluster;
}

/** The agent of a member begins, and stays; it is done when its server runs. */
export async function joins(cluster: SimulatedCluster, name: string, withinMs = 30_000): Promise<void> {
  cluster.node(name).restartAgentAfterMs = 1000;
  cluster.agent(name).start();
  await cluster.until(() => cluster.server(name)?.phase === 'ready', { withinMs });
}

/** What a service manager does when it is told to: the agent stops its server, and does not begin again. */
export async function stops(cluster: SimulatedCluster, name: string): Promise<void> {
  cluster.node(name).restartAgentAfterMs = null;
  cluster.node(name).signal('agent', 'TERM');
  await cluster.until(() => cluster.server(name) === null && cluster.node(name).stateOf('agent') === null, {
    withinMs: 30_000,
  });
}

/** Agent and server are killed, and nobody starts them again; the machine goes on. */
export function dies(cluster: SimulatedCluster, name: string): void {
  cluster.agent(name).kill({ restartAfterMs: null });
  cluster.postgres(name).kill();
}

export const killEtcd = (cluster: SimulatedCluster): void => {
  for (const name of members) cluster.etcd.kill(name);
};
export const startEtcd = (cluster: SimulatedCluster): void => {
  for (const name of members) cluster.etcd.start(name);
};

/** What a node's REST API says, while time goes on. */
export async function said(cluster: SimulatedCluster, name: string, path: string) {
  let answer: { readonly status: number; readonly body: string } | null | undefined;
  void cluster.ask(name, 'GET', path).then((one) => {
    answer = one;
  });
  await cluster.until(() => answer !== undefined, { withinMs: 61_000 });
  const fields: unknown = JSON.parse(answer?.body || '{}');
  return { status: answer?.status ?? null, fields: fields as Readonly<Record<string, unknown>> };
}

/** How long it takes until that holds, looked at every 100 ms. */
export async function msUntil(
  cluster: SimulatedCluster,
  withinMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<number> {
  const sinceMs = cluster.engine.now();
  while (!(await holds())) {
    if (cluster.engine.now() - sinceMs > withinMs) throw new Error(`not so within ${withinMs} ms`);
    await cluster.run(100);
  }
  return cluster.engine.now() - sinceMs;
}
