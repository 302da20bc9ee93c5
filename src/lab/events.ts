import type { Entry } from '../model/decision.ts';
import { askAgent, parsed } from './ask.ts';
import type { Machine } from './ground.ts';

/** One line of what happened on a node, for the screen. */
export interface LabEvent {
  readonly wall: string;
  readonly node: string;
  readonly text: string;
}

/** Reads the agents' journals, the newest entry last. Agents without one, Patroni for instance, simply have no events. */
export async function readEvents(nodes: readonly Machine[]): Promise<readonly LabEvent[]> {
  const journals = await Promise.all(
    nodes.map(async (machine) => ({
      node: machine.plan.name,
      entries: entriesOf(await askAgent(machine, '/journal?limit=60', 1000)),
    })),
  );
  const events = journals.flatMap(({ node, entries }) => entries.flatMap((entry) => tell(node, entry)));
  return events.toSorted((a, b) => a.wall.localeCompare(b.wall));
}

/** Until the leader must have renewed its lease, or stop; null: nobody says. */
export async function readLeaseLeftMs(leader: Machine | undefined): Promise<number | null> {
  const text = leader === undefined ? null : await askAgent(leader, '/metrics', 1000);
  const left = /^matriarch_fence_left_seconds(?:\{.*\})? (\S+)$/m.exec(text ?? '')?.[1];
  return left === undefined ? null : Number(left) * 1000;
}

/** One entry a line. */
const entriesOf = (answer: string | null): readonly Entry[] => (answer ?? '').split('\n').map(parsed).filter(isEntry);

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && 'kind' in value && 'wall' in value && typeof value.wall === 'string';

/** What a person wants to see: changes, jobs, guards and warnings, not every look at a cluster that is well. */
function tell(node: string, entry: Entry): readonly LabEvent[] {
  const facts = entry.because.map(([name, value]) => `${name} ${value}`).join(', ');
  const because = facts === '' ? '' : ` (${facts})`;
  const line = (text: string): readonly LabEvent[] => [{ wall: entry.wall, node, text: `${text}${because}` }];
  switch (entry.kind) {
    case 'decided': {
      const quiet = new Set([
        'renewLease',
        'publishMember',
        'writeStatus',
        'askPeers',
        'askLeaderLease',
        'advanceSlot',
      ]);
      const done = entry.actions.filter(({ action }) => !quiet.has(action));
      return done.length === 0 ? [] : line(`${entry.rule}: ${entry.reason}`);
    }
    case 'changed':
      return line(`${entry.what}: ${entry.from} → ${entry.to}`);
    case 'job':
      return entry.outcome === 'step' ? [] : line(`${entry.job} ${entry.outcome}: ${entry.step}`);
    case 'guard':
      return line(`guard: ${entry.step}`);
    case 'note':
      return entry.level === 'info' ? [] : line(`${entry.level}: ${entry.text}`);
    default:
      return entry satisfies never;
  }
}
