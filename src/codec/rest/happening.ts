import type { Entry, Fact } from '../../model/decision.ts';
import type { Happening } from '../../model/live.ts';

/** The decision behind a job that begins is told right beside it, with its facts: its name is enough for a line. */
export const factsInBrief = (entry: Entry): readonly Fact[] =>
  entry.kind === 'job' && entry.outcome === 'begun' ? entry.because.filter(([name]) => name === 'rule') : entry.because;

/** What a person wants to see of a journal: changes, jobs, guards and warnings, not every look at a cluster that is well. */
export function happeningOf(node: string, entry: Entry): Happening | null {
  const { wall, atMs } = entry;
  const because = factsInBrief(entry);
  const told = (kind: Happening['kind'], text: string): Happening => ({
    wall,
    atMs,
    skewMs: 0,
    node,
    kind,
    text,
    because,
    decision: null,
  });
  switch (entry.kind) {
    case 'decided': {
      const { rule, reason, passed, actions, seen } = entry;
      if (actions.every(({ action }) => routine.has(action))) return null;
      return { ...told('decided', `${rule}: ${reason}`), decision: { rule, passed, did: actions, seen } };
    }
    case 'changed':
      return told('changed', `${entry.what}: ${entry.from} → ${entry.to}`);
    case 'job':
      return entry.outcome === 'step' ? null : told('job', `${entry.job} ${entry.outcome}: ${entry.step}`);
    case 'guard':
      return told('guard', `guard: ${entry.step}`);
    case 'note':
      return entry.level === 'info' ? null : told('note', `${entry.level}: ${entry.text}`);
    default:
      return entry satisfies never;
  }
}

const routine = new Set([
  'renewLease',
  'publishMember',
  'writeStatus',
  'askPeers',
  'askLeaderLease',
  'advanceSlot',
  'tell',
]);

/** In one line, facts and all. */
export function happeningText({ text, because }: Happening): string {
  const facts = because.map(([name, value]) => `${name} ${value}`).join(', ');
  return facts === '' ? text : `${text} (${facts})`;
}
