import { readIncident } from '../../codec/incident.ts';
import type { Entry } from '../../model/decision.ts';
import type { Incident, ProbeWord } from '../../model/incident.ts';
import { later } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import type { HearClients } from './clients.ts';
import { strikesIn } from './strikes.ts';
import { beginWatch, watch } from './watch.ts';

export interface Incidents {
  /** Oldest first. */
  recent(): readonly Incident[];
  /** The next entry of the journal. */
  hear(entry: Entry): void;
  /** Reads what earlier agents left. Does not hold up the start: until then there are none. */
  load(): Promise<void>;
  /** Settles when everything heard so far is on disk, or could not be. */
  flushed(): Promise<void>;
}

const keptMax = 100;

/**
 * Each incident is a file of its own in the state directory, written whole and synced whenever it grows by something that
 * counts: an agent that dies in the midst of one leaves it as far as it got. Where the disk takes nothing the files are late
 * or missing, and nobody waits for them.
 */
export function makeIncidents(
  { files }: Pick<World, 'files'>,
  place: { readonly scope: string; readonly node: string; readonly stateDir: string },
  hearClients: HearClients | null = null,
): Incidents {
  const { scope, node, stateDir } = place;
  const folder = `${stateDir}/incidents`;
  let state = beginWatch({ scope, node });
  let known: readonly Incident[] = [];
  let written = '';
  /** By id: only the newest state of each waits. */
  const unwritten = new Map<string, Incident>();
  let writing: Promise<void> | null = null;

  function keep(incident: Incident): void {
    const others = known.filter(({ id }) => id !== incident.id);
    known = [...others, incident].toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(-keptMax);
  }

  /** What clients felt is known only later: an incident that is kept no more is left as it is. */
  function addClients(id: string, clients: readonly ProbeWord[]): void {
    const incident = known.find((one) => one.id === id);
    if (incident === undefined) return;
    const whole = { ...incident, clients };
    keep(whole);
    save(whole);
  }

  function askClients({ id, tookMs }: Incident, { atMs }: Entry): void {
    const span = { beganMs: later(atMs, -(tookMs ?? 0)), endedMs: atMs };
    void hearClients?.(span, (words) => addClients(id, words));
  }

  /** The loop records, and must not stumble over who listens: after an entry that is not understood the watch begins anew. */
  function safely(entry: Entry): ReturnType<typeof watch> {
    try {
      return watch(state, entry);
    } catch {
      return { watch: beginWatch({ scope, node }), incident: null };
    }
  }

  function save(incident: Incident): void {
    unwritten.set(incident.id, incident);
    const [oldest] = unwritten.keys();
    if (unwritten.size > keptMax && oldest !== undefined) unwritten.delete(oldest);
    writing ??= write();
  }

  async function write(): Promise<void> {
    while (unwritten.size > 0) {
      const made = await files.makeDirectory(folder, 0o700);
      for (const [id, incident] of unwritten) {
        unwritten.delete(id);
        if (made.kind === 'done') await files.write(pathOf(id), `${JSON.stringify(incident)}\n`, 0o600);
      }
      await forgetOldest();
    }
    writing = null;
  }

  const pathOf = (id: string): string => `${folder}/${id}.json`;

  async function forgetOldest(): Promise<void> {
    const listing = await files.list(folder);
    if (listing.kind !== 'entries') return;
    const names = listing.names.filter((name) => name.endsWith('.json')).sort();
    for (const name of names.slice(0, -keptMax)) await files.remove(`${folder}/${name}`);
  }

  return {
    recent: () => known,
    hear(entry) {
      const next = safely(entry);
      state = next.watch;
      if (next.incident === null) return;
      keep(next.incident);
      if (next.incident.state === 'closed') askClients(next.incident, entry);
      const milestone = outlineOf(next.incident);
      if (milestone === written) return;
      written = milestone;
      save(next.incident);
    },
    async load() {
      const listing = await files.list(folder);
      const found = listing.kind === 'entries' ? listing.names : [];
      const names = found.filter((name) => name.endsWith('.json')).sort();
      for (const name of names.slice(-keptMax)) {
        const file = await files.read(`${folder}/${name}`);
        const left = file.kind === 'text' ? readIncident(file.text) : null;
        if (left === null || known.some(({ id }) => id === left.id)) continue;
        const incident: Incident = left.state === 'open' ? { ...left, state: 'cutShort' } : left;
        keep(incident);
        if (incident !== left) save(incident);
      }
      const log = await files.read(`${stateDir}/guardian.log`);
      if (log.kind !== 'text') return;
      for (const strike of strikesIn(log.text, { scope, node }, known)) {
        keep(strike);
        save(strike);
      }
    },
    flushed: () => writing ?? Promise.resolve(),
  };
}

/** What makes another write worth its fsync. */
const outlineOf = ({ id, state, kind, phases, jobs, leader, reports }: Incident): string =>
  [id, state, kind, phases.length, jobs.length, leader.after, reports?.length].join(' ');
