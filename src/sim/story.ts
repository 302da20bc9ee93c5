import type { Entry, Fact } from '../model/decision.ts';
import type { SimulatedCluster } from './cluster.ts';

/** One thing that happened, in words. */
export interface StoryLine {
  readonly atMs: number;
  readonly node: string;
  /** world: a machine, a server, a guardian; fault: the nemesis; agent: a decision or its work. */
  readonly by: 'world' | 'fault' | 'agent';
  readonly text: string;
  readonly because: readonly Fact[];
}

/** Everything that happened on all nodes, in the order of true time. */
export function storyOf(cluster: SimulatedCluster): readonly StoryLine[] {
  const world = cluster.told().map(({ atMs, node, text }): StoryLine => {
    const by = /^(fault|mended): |^healed$/.test(text) ? 'fault' : 'world';
    return { atMs, node, by, text, because: [] };
  });
  const agents = [...cluster.nodes.values()].flatMap(({ name, machine, journal }) =>
    journal.map((entry): StoryLine => {
      const atMs = machine.clock.trueMs(entry.atMs);
      return { atMs, node: name, by: 'agent', text: sentence(entry), because: entry.because };
    }),
  );
  return [...world, ...agents].sort((a, b) => a.atMs - b.atMs);
}

function sentence(entry: Entry): string {
  switch (entry.kind) {
    case 'decided':
      return `${entry.rule}: ${entry.reason}`;
    case 'changed':
      return `${entry.what}: ${entry.from} -> ${entry.to}`;
    case 'job':
      return entry.step === entry.job
        ? `job ${entry.job}: ${entry.outcome}`
        : `job ${entry.job}, ${entry.step}: ${entry.outcome}`;
    case 'guard':
      return `guard: ${entry.step}`;
    case 'note':
      return entry.text;
    default:
      return entry satisfies never;
  }
}

/** `  66.420 s  n2     race.acquire: nobody is ahead of this node (myLsn=0/1748CB8)` */
export function storyText({ atMs, node, by, text, because }: StoryLine): string {
  const facts = because.map(([name, value]) => `${name}=${value}`).join(', ');
  const mark = by === 'fault' ? '!' : ' ';
  return `${(atMs / 1000).toFixed(3).padStart(9)} s ${mark} ${node.padEnd(4)} ${text}${facts === '' ? '' : ` (${facts})`}`;
}
