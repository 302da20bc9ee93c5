import type { Entry } from '../model/decision.ts';
import { askAgent } from './ask.ts';
import type { Machine } from './ground.ts';

/** One line of what happened on a node, for the screen. */
export interface LabEvent {
  readonly wall: string;
  readonly node: string;
  readonly text: string;
}

export interface Journals {
  /** The newest last. */
  readonly events: readonly LabEvent[];
  /** Milliseconds the leader's lease has left, by its own last look; null: nobody says. */
  readonly leaseLeftMs: number | null;
}

/** Reads the agents' journals. Agents without one, Patroni for instance, simply have no events. */
export async function readJournals(
  nodes: readonly Machine[],
  leader: string | null,
  nowWallMs: number,
): Promise<Journals> {
  const journals = await Promise.all(
    nodes.map(async (machine) => ({
      node: machine.plan.name,
      entries: entriesOf(await askAgent(machine, '/journal?limit=60', 1000)),
    })),
  );
  const events = journals.flatMap(({ node, entries }) => entries.flatMap((entry) => tell(node, entry)));
  const last = journals.find(({ node }) => node === leader)?.entries.findLast((entry) => entry.kind === 'decided');
  const leftMs = last?.kind === 'decided' ? last.seen.leaseLeftMs : null;
  const ageMs = last === undefined ? 0 : nowWallMs - Date.parse(last.wall);
  return {
    events: events.toSorted((a, b) => a.wall.localeCompare(b.wall)),
    leaseLeftMs: leftMs === null || leftMs === undefined ? null : Math.max(0, leftMs - ageMs),
  };
}

function entriesOf(answer: unknown): readonly Entry[] {
  const list = typeof answer === 'object' && answer !== null && 'entries' in answer ? answer.entries : answer;
  return Array.isArray(list) ? list.filter(isEntry) : [];
}

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
