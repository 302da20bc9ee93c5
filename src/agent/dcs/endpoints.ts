import type { InstantMs } from '../../model/units.ts';
import { later } from '../../model/units.ts';
import type { Chance, Clock } from '../../model/world.ts';

/** How long an endpoint that failed stands last. */
export const lastForMs = { deadline: 5_000, connection: 2_000, leaderless: 1_000 } as const;

/** The endpoints in the order in which they are worth trying: the one that answered last first, failed ones last. */
export function makeEndpoints(clock: Clock, chance: Chance, configured: () => readonly string[]) {
  let discovered: readonly string[] = [];
  let favourite: string | null = null;
  const lastUntilMs = new Map<string, InstantMs>();
  const memberIds = new Map<string, bigint>();

  const all = (): string[] => [...new Set([...configured(), ...discovered])];
  const lastUntil = (endpoint: string): number => {
    const untilMs = lastUntilMs.get(endpoint);
    return untilMs !== undefined && untilMs > clock.now() ? untilMs : 0;
  };

  /** Two addresses of one member are one endpoint: a frozen member must not cost two deadlines. */
  function oncePerMember(endpoints: readonly string[]): string[] {
    const met = new Set<bigint>();
    return endpoints.filter((endpoint) => {
      const id = memberIds.get(endpoint);
      if (id === undefined) return true;
      if (met.has(id)) return false;
      met.add(id);
      return true;
    });
  }

  function order(): string[] {
    const known = all();
    const start = favourite === null ? chance.below(Math.max(1, known.length)) : Math.max(0, known.indexOf(favourite));
    const rotated = [...known.slice(start), ...known.slice(0, start)];
    return oncePerMember(rotated.sort((a, b) => lastUntil(a) - lastUntil(b)));
  }

  return {
    order,
    count: (): number => order().length,
    discover(urls: readonly string[]): void {
      discovered = urls.map((url) => url.replace(/\/+$/, '')).filter((url) => usable.test(url));
    },
    answered(endpoint: string, memberId: bigint): void {
      favourite = endpoint;
      lastUntilMs.delete(endpoint);
      memberIds.set(endpoint, memberId);
    },
    /** True when this is news. */
    failed(endpoint: string, forMs: number): boolean {
      const news = lastUntil(endpoint) === 0;
      const id = memberIds.get(endpoint);
      const same = all().filter((other) => other === endpoint || (id !== undefined && memberIds.get(other) === id));
      for (const one of same) lastUntilMs.set(one, later(clock.now(), forMs));
      return news;
    },
  };
}

/** Members that advertise no address others could use are left to the configured list. */
const usable = /^https?:\/\/(?!0\.0\.0\.0|localhost|127\.|\[::1?\])/;
