import { readPeerStatus } from '../codec/rest/peer.ts';
import type { Member } from '../model/cluster.ts';
import type { PeerReport } from '../model/peers.ts';
import { type InstantMs, instantMs } from '../model/units.ts';
import type { World } from '../model/world.ts';

export interface Peers {
  reports(): readonly PeerReport[];
  /** The members as last seen in etcd, without me. Those that vanish are kept for a while: keys expire when they matter most. */
  setMembers(members: readonly Member[]): void;
  /** Asks everyone who is not being asked already, and was not asked within `atMostEveryMs`; eager: each answer wakes the loop. */
  ask(atMostEveryMs: number, mood: 'quiet' | 'eager'): void;
}

const answerLimitMs = 2_000;
/** In a race a question that hangs is asked anew: the one before may have met a host that died. */
const eagerAgainMs = 250;
const keptMs = 600_000;

/** What the other agents say of themselves: asked in parallel and all the time, so that their last positions are known. */
export function makePeers(
  world: Pick<World, 'clock' | 'http'>,
  deps: { readonly headers: () => Readonly<Record<string, string>>; readonly wake: (reason: string) => void },
): Peers {
  const reports = new Map<string, PeerReport>();
  const lastMemberMs = new Map<string, InstantMs>();
  const lastSentMs = new Map<string, InstantMs>();
  /** Whose next answer is waited for: a quiet question that comes after does not change that. */
  const awaited = new Set<string>();

  async function askOne(name: string, apiUrl: string): Promise<void> {
    const sentMs = world.clock.now();
    const before = reports.get(name);
    lastSentMs.set(name, sentMs);
    reports.set(name, {
      name,
      apiUrl,
      askedMs: before?.askedMs ?? null,
      said: before?.said ?? null,
      last: { kind: 'waiting', sinceMs: sentMs },
    });
    const reply = await world.http.request(apiUrl, { method: 'GET', headers: deps.headers(), limitMs: answerLimitMs });
    const atMs = world.clock.now();
    const now = reports.get(name);
    if (now === undefined || (now.askedMs !== null && now.askedMs > sentMs)) return; // overtaken by a later question
    const said = reply.kind === 'answered' ? readPeerStatus(reply.body) : null;
    if (said === null) {
      const why = reply.kind === 'silent' ? reply.why : `HTTP ${reply.status} without a status`;
      reports.set(name, { ...now, last: { kind: 'silent', atMs, why } });
    } else {
      reports.set(name, { ...now, askedMs: sentMs, said, last: { kind: 'answered', atMs } });
    }
    if (awaited.delete(name)) deps.wake(`peer:${name}`);
  }

  return {
    reports: () => [...reports.values()],
    setMembers(members) {
      const now = world.clock.now();
      for (const { name, apiUrl } of members) {
        if (apiUrl === null) continue;
        lastMemberMs.set(name, now);
        const before = reports.get(name);
        if (before === undefined)
          reports.set(name, {
            name,
            apiUrl,
            askedMs: null,
            said: null,
            last: { kind: 'silent', atMs: instantMs(0), why: 'not asked yet' },
          });
        else if (before.apiUrl !== apiUrl) reports.set(name, { ...before, apiUrl });
      }
      for (const [name, atMs] of lastMemberMs) {
        if (now - atMs < keptMs) continue;
        lastMemberMs.delete(name);
        reports.delete(name);
      }
    },
    ask(atMostEveryMs, mood) {
      const now = world.clock.now();
      for (const { name, apiUrl, last } of [...reports.values()]) {
        const waiting =
          last.kind === 'waiting' && now - last.sinceMs < (mood === 'eager' ? eagerAgainMs : answerLimitMs);
        const lately = now - (lastSentMs.get(name) ?? Number.NEGATIVE_INFINITY) < atMostEveryMs;
        if (mood === 'eager' && (last.kind === 'waiting' || !lately)) awaited.add(name);
        if (waiting || lately) continue;
        void askOne(name, apiUrl);
      }
    },
  };
}
