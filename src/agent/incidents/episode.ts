import type { Entry, Fact } from '../../model/decision.ts';
import type { DoneJob, Incident, Milestone, Reasoned } from '../../model/incident.ts';
import { lsn } from '../../model/units.ts';
import type { Watch } from './watch.ts';

/** An incident as it grows. */
export interface Episode {
  readonly incident: Incident;
  /** Its begin, on the clock of the entries. */
  readonly beganMs: number;
  /** PostgreSQL was a primary here when it began. */
  readonly wasPrimary: boolean;
  /** The agent had just begun, with the leader key of the one before it: what is down is a primary, nobody saw it run. */
  readonly foundKey: boolean;
  /** It was stopped since its right to write was ending, or gone. */
  readonly fenced: boolean;
  /** The leader key was seen to go, or to come. */
  readonly leadChanged: boolean;
}

/** Of many entries the first and the last tell the story. */
const firstMax = 40;
const evidenceMax = 60;

export function begin({ place, recent, leader, timeline, role, key }: Watch, entry: Entry, trigger: string): Episode {
  const last = recent.findLast((one) => one.kind === 'decided');
  const incident: Incident = {
    version: 1,
    id: idOf(entry.wall),
    ...place,
    kind: 'failover',
    state: 'open',
    began: entry.wall,
    ended: null,
    tookMs: null,
    trigger,
    before: last === undefined ? null : reasoned(last),
    decisions: [],
    leader: { before: leader, after: leader },
    timeline: { before: timeline, after: timeline },
    phases: [],
    atRisk: null,
    jobs: [],
    evidence: recent.map(withoutPassed),
  };
  const foundKey = role === null && key === 'found';
  return { incident, beganMs: entry.atMs, wasPrimary: role === 'primary', foundKey, fenced: false, leadChanged: false };
}

/** `2026-11-25T20:13:51.123Z` -> `20261125-201351-123` */
export const idOf = (wall: string): string => wall.replace(/[-:Z]/g, '').replace(/[T.]/g, '-');

const reasoned = ({ rule, reason, because }: Extract<Entry, { kind: 'decided' }>): Reasoned => ({
  rule,
  reason,
  because,
});

/** The names of the rules that were asked before are in the journal; here they would be most of the text. */
const withoutPassed = (entry: Entry): Entry => (entry.kind === 'decided' ? { ...entry, passed: [] } : entry);

/** `now`: what is known after the entry. */
export function proceed(episode: Episode, entry: Entry, before: Watch, now: Watch): Episode {
  const { incident, beganMs } = episode;
  const afterMs = Math.max(0, Math.round(entry.atMs - beganMs));
  const phases = [...incident.phases];
  for (const phase of milestonesIn(entry, before, now))
    if (!phases.some((one) => one.phase === phase)) phases.push({ phase, afterMs });
  phases.sort((a, b) => a.afterMs - b.afterMs);
  const evidence = isNoise(entry) ? [...incident.evidence] : [...incident.evidence, withoutPassed(entry)];
  if (evidence.length > evidenceMax) evidence.splice(firstMax, 1);
  const decisions = [...incident.decisions];
  if (entry.kind === 'decided' && entry.rule !== decisions.at(-1)?.rule) decisions.push(reasoned(entry));
  const leaderAfter = leaderIn(entry, incident.leader.after);
  const fenced = episode.fenced || isStrike(entry, before.role) || fences(entry);
  const { before: led } = incident.leader;
  const leadChanged = episode.leadChanged || (led !== null && led !== leaderAfter);
  const settled = isSettled(entry, leaderAfter, now);
  const grown: Incident = {
    ...incident,
    kind: 'failover',
    state: settled ? 'closed' : 'open',
    ended: settled ? entry.wall : null,
    tookMs: settled ? afterMs : null,
    decisions: decisions.slice(-evidenceMax),
    leader: { ...incident.leader, after: leaderAfter },
    timeline: { ...incident.timeline, after: now.timeline },
    phases,
    atRisk: riskIn(entry) ?? incident.atRisk,
    jobs: [...incident.jobs, ...jobIn(entry)].slice(-evidenceMax),
    ...reportsIn(entry, incident.reports),
    evidence,
  };
  const after = { ...episode, fenced, leadChanged };
  const leadsOn = settled && now.role === 'primary';
  return { ...after, incident: { ...grown, kind: kindOf(after, grown, leadsOn) } };
}

function kindOf(
  { wasPrimary, foundKey, fenced, leadChanged }: Episode,
  { phases, jobs, timeline }: Incident,
  leadsOn: boolean,
): Incident['kind'] {
  const writable = phases.some(({ phase }) => phase === 'writable');
  // The agent before may have died in the midst of a promotion: only a new timeline tells that from a primary's crash.
  const sameTimeline = timeline.before === null || timeline.before === timeline.after;
  if (writable) return wasPrimary || (foundKey && sameTimeline) ? 'restart' : 'promotion';
  const led = wasPrimary || foundKey;
  if (led && leadsOn) return 'calledOff';
  if (led || fenced) return fenced ? 'fence' : 'demotion';
  return leadChanged || jobs.length === 0 ? 'failover' : 'repair';
}

function milestonesIn(entry: Entry, before: Watch, { place }: Watch): readonly Milestone[] {
  switch (entry.kind) {
    case 'changed':
      if (entry.what === 'leader' && entry.to === '-') return ['leaderGone'];
      if (entry.what === 'leader') return entry.to === place.node ? ['keyTaken', 'keyMine'] : ['keyTaken'];
      if (entry.what !== 'postgres') return [];
      if (entry.to === 'running primary') return ['writable'];
      return before.role === 'primary' && entry.to === 'stopped' ? ['stopped'] : [];
    case 'job':
      return entry.job === 'promote' && entry.step === 'promotion signalled' ? ['promotionSignalled'] : [];
    case 'decided':
      return entry.rule === 'standby.following' ? ['follows'] : [];
    case 'note':
      return isEnd(entry) ? ['agentEnded'] : [];
    case 'guard':
      return [];
    default:
      return entry satisfies never;
  }
}

/** News of the connection to etcd: by the dozen while it is away. */
const isNoise = (entry: Entry): boolean => entry.kind === 'note' && entry.level === 'info' && !isEnd(entry);

const isEnd = (entry: Entry): boolean => entry.kind === 'note' && entry.text.startsWith('agent ends');

/** The dead-man switch, or the guardian: it acts where the loop did not, over a server that runs. */
export function isStrike(entry: Entry, role: Watch['role']): boolean {
  if (entry.kind === 'guard') return role !== null;
  if (entry.kind !== 'note' || entry.text !== 'guardian: PostgreSQL is killed') return false;
  // To an agent that begins the guardian tells what it did before: that is an incident of its own.
  const then = factIn(entry.because, 'wall');
  const isNews = typeof then !== 'string' || Date.parse(entry.wall) - Date.parse(then) < newsMs;
  return isNews && factIn(entry.because, 'postmaster') !== null;
}
const newsMs = 5_000;

const fencingRules = ['lease.runningOut', 'primary.leaderElsewhere', 'primary.unleased', 'guard.missing'];
const fences = (entry: Entry): boolean =>
  entry.kind === 'decided' &&
  fencingRules.includes(entry.rule) &&
  entry.actions.some(({ action }) => action === 'startJob' || action === 'cancelJob');

function leaderIn(entry: Entry, before: string | null): string | null {
  if (entry.kind === 'changed' && entry.what === 'leader') return entry.to === '-' ? null : entry.to;
  return entry.kind === 'decided' && entry.seen.dcs === 'reachable' ? entry.seen.leader : before;
}

/** A primary with its lease, a standby that follows, or an agent that ends. */
function isSettled(entry: Entry, leader: string | null, { role, place }: Watch): boolean {
  if (isEnd(entry)) return true;
  if (entry.kind !== 'decided' || leader === null) return false;
  if (entry.rule === 'primary.healthy') return role === 'primary' && leader === place.node;
  return entry.rule === 'standby.following';
}

function jobIn(entry: Entry): readonly DoneJob[] {
  if (entry.kind !== 'job' || entry.outcome === 'begun' || entry.outcome === 'step') return [];
  const { step, outcome, because } = entry;
  const tookMs = factIn(because, 'tookMs');
  const error = factIn(because, 'error');
  return [
    {
      job: step,
      outcome,
      tookMs: typeof tookMs === 'number' ? tookMs : null,
      error: typeof error === 'string' ? error : null,
    },
  ];
}

function reportsIn(entry: Entry, before: Incident['reports'] = []): Pick<Incident, 'reports'> {
  const report = entry.kind === 'job' ? factIn(entry.because, 'report') : null;
  const reports = typeof report === 'string' ? [...new Set([...before, report])] : before;
  return reports.length === 0 ? {} : { reports };
}

const factIn = (facts: readonly Fact[], name: string): Fact[1] => facts.find(([one]) => one === name)?.[1] ?? null;

const won = ({ rule, actions }: Extract<Entry, { kind: 'decided' }>): boolean =>
  rule === 'race.acquire' && actions.some(({ action, outcome }) => action === 'acquireLeaderKey' && outcome === 'done');

/** A distance of two positions, and no count of records: a crash leaves the rest of its segment empty. */
const beyondFork =
  'of WAL here beyond where the histories part, with what recovery and shutdown added themselves, and what a segment left empty';

/** What the winner of a race lacked of the last position that the leader had told; or what was measured when histories parted. */
function riskIn(entry: Entry): Incident['atRisk'] {
  if (entry.kind === 'job') {
    const bytes = factIn(entry.because, 'beyondForkBytes');
    const commits = factIn(entry.because, 'beyondForkCommits');
    if (typeof bytes !== 'number') return null;
    const transactions = typeof commits === 'number' ? { transactions: commits } : {};
    return { bytes, atMost: true, ...transactions, how: beyondFork };
  }
  if (entry.kind !== 'decided' || !won(entry)) return null;
  const [told, mine] = [factIn(entry.because, 'lastOptime'), factIn(entry.because, 'myLsn')];
  if (typeof told !== 'string' || typeof mine !== 'string') return null;
  const lacks = lsn(told) - lsn(mine);
  return {
    bytes: lacks > 0n ? Number(lacks) : 0,
    how: 'of what the old leader had told; what it wrote after that is not known here',
  };
}
