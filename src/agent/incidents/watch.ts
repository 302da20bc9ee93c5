import type { Entry } from '../../model/decision.ts';
import type { Incident } from '../../model/incident.ts';
import { begin, type Episode, isStrike, proceed } from './episode.ts';

/**
 * Incidents are read out of the journal, entry by entry: no other part of the agent knows of them. One begins when the lead or
 * this node's role goes, takes in whatever happens until things are settled, and is whole after every entry.
 */
export interface Watch {
  readonly place: { readonly scope: string; readonly node: string };
  /** The last entries, for what came before. */
  readonly recent: readonly Entry[];
  readonly leader: string | null;
  readonly timeline: number | null;
  /** The role in which PostgreSQL was last seen running. */
  readonly role: 'primary' | 'standby' | null;
  /** Whether this agent found the leader key in its hand when it began, or reached for it itself; null: neither yet. */
  readonly key: 'found' | 'reached' | null;
  readonly episode: Episode | null;
}

export const beginWatch = (place: Watch['place']): Watch => ({
  place,
  recent: [],
  leader: null,
  timeline: null,
  role: null,
  key: null,
  episode: null,
});

const recentMax = 4;

/** The watch after this entry, and the incident that it belongs to; null: to none. */
export function watch(before: Watch, entry: Entry): { readonly watch: Watch; readonly incident: Incident | null } {
  const known = learn(before, entry);
  const trigger = before.episode === null ? (triggerOf(before, entry) ?? foundDown(known, entry)) : null;
  if (before.episode === null && trigger === null) return { watch: known, incident: null };
  const begun = before.episode ?? begin(whatWas(before, known), entry, trigger ?? '');
  const episode = proceed(begun, entry, before, known);
  const { incident } = episode;
  return { watch: { ...known, episode: incident.state === 'open' ? episode : null }, incident };
}

/** An agent that has just begun knows of nothing before: what it finds first was so already. */
const whatWas = (before: Watch, known: Watch): Watch =>
  before.role === null && known.key === 'found' ? { ...known, role: null, recent: before.recent } : before;

/** What the entry says about who leads and what runs here. */
function learn(before: Watch, entry: Entry): Watch {
  const after = { ...before, recent: [...before.recent, entry].slice(-recentMax) };
  if (entry.kind === 'decided') {
    const { leader, timeline, postgres } = entry.seen;
    return {
      ...after,
      leader: leader ?? before.leader,
      timeline: timeline ?? before.timeline,
      role: roleIn(postgres) ?? before.role,
      key: keyIn(before, entry),
    };
  }
  if (entry.kind !== 'changed' || entry.to === '-') return after;
  switch (entry.what) {
    case 'leader':
      return { ...after, leader: entry.to };
    case 'timeline':
      return { ...after, timeline: Number(entry.to) };
    case 'postgres':
      return { ...after, role: roleIn(entry.to) ?? before.role };
    default:
      return after;
  }
}

/** A lease is in hand, and this agent never asked for one: as after a power cut that is over before the lease is. */
function keyIn({ key, place }: Watch, { actions, seen }: Extract<Entry, { kind: 'decided' }>): Watch['key'] {
  const reaches = actions.some(({ action }) => action === 'acquireLeaderKey' || action === 'adoptLeaderKey');
  if (reaches || key === 'reached') return 'reached';
  const mine = seen.dcs === 'unreachable' || seen.leader === place.node;
  return seen.leaseLeftMs !== null && mine ? 'found' : null;
}

const roleIn = (postgres: string): Watch['role'] =>
  postgres === 'running primary' ? 'primary' : postgres === 'running standby' ? 'standby' : null;

/** Its primary went down with the agent before this one: no change is seen until it runs again. */
const foundDown = ({ role, key }: Watch, entry: Entry): string | null =>
  entry.kind === 'decided' && role === null && key === 'found' && entry.seen.postgres === 'stopped'
    ? 'postgres: stopped, as the agent begins, which holds the leader key'
    : null;

/** Why an incident begins here; null: none does. */
function triggerOf({ role, leader }: Watch, entry: Entry): string | null {
  switch (entry.kind) {
    case 'changed':
      return changesRole(role, entry) ? `${entry.what}: ${entry.from} -> ${entry.to}` : null;
    case 'decided': {
      // While etcd was away the lead changed unseen.
      const now = entry.seen.leader;
      return now !== null && leader !== null && now !== leader ? `leader: ${leader} -> ${now}` : null;
    }
    case 'guard':
      return isStrike(entry, role) ? entry.step : null;
    case 'note':
      return isStrike(entry, role) ? entry.text : null;
    case 'job':
      return entry.outcome === 'begun' && tellingJobs(role).includes(entry.job) ? entry.step : null;
    default:
      return entry satisfies never;
  }
}

/** Repairs of the data; and whatever takes a primary down. */
const tellingJobs = (role: Watch['role']): readonly string[] =>
  role === 'primary' ? ['stop', 'restart'] : ['rewind', 'clone', 'crashRecovery'];

/** A server that gives no answer for a moment changes no role. */
function changesRole(role: Watch['role'], { what, from, to }: Extract<Entry, { kind: 'changed' }>): boolean {
  if (what === 'leader') return from !== '-';
  if (what !== 'postgres' || to === 'unresponsive') return false;
  return (role === 'primary') !== (to === 'running primary');
}
