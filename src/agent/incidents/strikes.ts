import { readGuardLog } from '../../codec/guard.ts';
import type { Entry } from '../../model/decision.ts';
import type { Incident } from '../../model/incident.ts';
import { idOf } from './episode.ts';

/**
 * What the guardian did while no agent was there to hear it: PostgreSQL killed at its deadline. Its own log tells, and the
 * next agent makes an incident of it. What an incident of that time tells already is left out.
 */
export function strikesIn(
  log: string,
  place: { readonly scope: string; readonly node: string },
  known: readonly Incident[],
): readonly Incident[] {
  const groups: Entry[][] = [];
  for (const entry of readGuardLog(log)) {
    if (entry.step === 'the deadline has passed') groups.push([]);
    groups.at(-1)?.push(entry);
  }
  return groups
    .map(wholeStrike)
    .filter((group) => group.some((entry) => entry.kind === 'guard' && entry.step === 'PostgreSQL is killed'))
    .slice(-lastMax)
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined || known.some((one) => covers(one, first.wall))) return [];
      return [incidentOf(group, first, place)];
    });
}

/** Older ones were told by the agents of that time. */
const lastMax = 3;

/** Up to the word that nothing is left. */
function wholeStrike(group: readonly Entry[]): readonly Entry[] {
  const end = group.findIndex((entry) => entry.kind === 'guard' && entry.step === 'nothing runs on the data directory');
  return end < 0 ? group.slice(0, 10) : group.slice(0, end + 1);
}

const covers = ({ began, ended, evidence }: Incident, wall: string): boolean =>
  began <= wall && wall <= (ended ?? evidence.at(-1)?.wall ?? began);

function incidentOf(group: readonly Entry[], first: Entry, place: { scope: string; node: string }): Incident {
  const last = group.at(-1) ?? first;
  const tookMs = Math.max(0, Math.round(last.atMs - first.atMs));
  return {
    version: 1,
    id: idOf(first.wall),
    ...place,
    kind: 'fence',
    state: 'closed',
    began: first.wall,
    ended: last.wall,
    tookMs,
    trigger: 'the guardian, without an agent: the deadline has passed',
    before: null,
    decisions: [],
    leader: { before: place.node, after: null },
    timeline: { before: null, after: null },
    phases: [{ phase: 'stopped', afterMs: tookMs }],
    atRisk: null,
    jobs: [],
    evidence: group,
  };
}
