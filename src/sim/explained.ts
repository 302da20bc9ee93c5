import type { Entry } from '../model/decision.ts';
import type { SimulatedCluster } from './words.ts';

/** Jobs that end in a primary. */
const rising: ReadonlySet<string> = new Set(['promote', 'startPrimary', 'bootstrap', 'restart', 'crashRecovery']);

/**
 * Law 8: whoever is a primary was made one by a job that its journal tells of, with the rule that decided on it and the facts.
 * That is told before anything is done, so that no end of an agent can hide it.
 */
export function unexplained(cluster: SimulatedCluster): readonly { readonly atMs: number; readonly text: string }[] {
  const begun = new Map<string, readonly number[]>();
  for (const { name, runs, machine } of cluster.nodes.values())
    if (runs === 'matriarch')
      begun.set(
        name,
        cluster
          .journal(name)
          .filter(explains)
          .map((entry) => machine.clock.trueMs(entry.atMs)),
      );
  const lastEndMs = new Map<string, number>();
  return cluster.history().flatMap((seen) => {
    if (seen.kind !== 'role' || seen.role !== 'primary') return [];
    const told = begun.get(seen.node);
    const sinceMs = lastEndMs.get(seen.node) ?? 0;
    lastEndMs.set(seen.node, seen.fromMs);
    if (told === undefined || told.some((atMs) => atMs >= sinceMs - roundingMs && atMs <= seen.fromMs + roundingMs))
      return [];
    const text = `${seen.node} became a primary at ${(seen.fromMs / 1_000).toFixed(3)} s, and its journal does not say why`;
    return [{ atMs: seen.fromMs, text }];
  });
}

/** Of clocks that drift, and whose instants are whole thousandths. */
const roundingMs = 5;

const explains = (entry: Entry): boolean =>
  entry.kind === 'job' &&
  entry.outcome === 'begun' &&
  rising.has(entry.job) &&
  entry.because.some(([name]) => name === 'rule');
