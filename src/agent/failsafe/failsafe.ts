import { writePromiseAsk } from '../../codec/rest/failsafe.ts';
import { promiseSeen } from '../../decide/failsafe.ts';
import { me, memberOf, runningPrimary } from '../../decide/judge.ts';
import { untilStopMs } from '../../decide/timing.ts';
import { slotPositions } from '../../decide/upkeep/status.ts';
import type { Fact } from '../../model/decision.ts';
import type { FailsafeMap, FailsafeView, PromiseAnswer, PromiseAsk } from '../../model/failsafe.ts';
import type { Observation } from '../../model/observation.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import type { Term } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import type { Dcs } from '../dcs/dcs.ts';
import { makePromises } from './promises.ts';
import { makeRounds } from './rounds.ts';

export interface FailsafeParts {
  readonly stateDir: string;
  readonly ttlMs: () => number;
  readonly dcs: Dcs;
  /** By the last look; null: there was none. */
  readonly seen: () => Observation | null;
  /** The deadline of the lease moved: all that rests on it must hear of it. */
  readonly extended: () => Promise<void>;
  readonly note: (level: 'info' | 'warning', text: string, because: readonly Fact[]) => void;
  readonly wake: (reason: string) => void;
}

export interface Failsafe {
  load(): Promise<void>;
  view(): FailsafeView;
  /** Begins to ask all members, beside the loop. */
  ask(): void;
  /** Somebody asks this node. */
  promise(ask: PromiseAsk): Promise<PromiseAnswer>;
  /** Asks etcd for the leader key, unless what was promised stands against it. */
  stand<T>(ask: () => Promise<DcsOutcome<T>>): Promise<DcsOutcome<T>>;
}

/** One answer takes no longer than this, and no round more than half of what is left. */
const answerMostMs = 2_000;
const answerLeastMs = 150;

/** Both sides of failsafe mode: asking, and being asked. */
export function makeFailsafe(world: Pick<World, 'clock' | 'files' | 'http'>, parts: FailsafeParts): Failsafe {
  const { dcs, seen } = parts;
  const { clock } = world;
  const promises = makePromises(world, {
    stateDir: parts.stateDir,
    ttlMs: parts.ttlMs,
    standing: () => ({ seen: seen(), leads: dcs.held() !== null }),
    note: parts.note,
  });
  const rounds = makeRounds(world, () => parts.wake('failsafe'));

  return {
    async load() {
      await Promise.all([promises.load(), dcs.loadFailsafeMap()]);
    },
    view: () => ({
      promised: promises.current(),
      map: dcs.failsafeMap(),
      askingSinceMs: rounds.askingSinceMs(),
      last: rounds.last(),
    }),
    ask() {
      const now = seen();
      const held = dcs.held();
      const map = dcs.failsafeMap();
      if (now === null || held === null || map === null) return;
      const { cluster } = now.settings;
      const ttlMs = Math.min(held.ttlMs, cluster.ttlMs);
      rounds.begin({
        bodyFor: (member) => bodyOf(now, held.term, ttlMs, member),
        members: without(map, me(now)),
        limitMs() {
          const lease = dcs.held();
          // What was renewed meanwhile, or is another's or over, is nothing to ask about.
          if (lease?.term !== held.term || lease.sentMs > held.sentMs || lease.releaseInDoubt === true) return null;
          const nowMs = clock.now();
          if (nowMs >= lease.deadlineMs) return null;
          return Math.max(answerLeastMs, Math.min(answerMostMs, untilStopMs(lease, nowMs, cluster) / 2));
        },
        granted: async (sentMs) => {
          if (dcs.extend(held.term, sentMs) !== null) await parts.extended();
        },
      });
    },
    promise: promises.give,
    stand(ask) {
      const now = seen();
      if (now === null) return Promise.resolve({ kind: 'refused', why: 'nothing was looked at yet' });
      return promises.stand(promiseSeen(now), ask);
    },
  };
}

function without(map: FailsafeMap, name: string): FailsafeMap {
  const { [name]: _, ...others } = map;
  return others;
}

function bodyOf(seen: Observation, term: Term, ttlMs: number, asks: string): string {
  const primary = runningPrimary(seen);
  const cluster = seen.dcs.kind === 'reachable' ? seen.dcs.cluster : seen.dcs.lastSeen;
  const own = seen.published ?? memberOf(cluster, me(seen));
  return writePromiseAsk({
    name: me(seen),
    connUrl: own?.connUrl ?? null,
    apiUrl: own?.apiUrl ?? null,
    slots: primary === null ? {} : slotPositions(seen, primary),
    term,
    ttlMs,
    lsn: primary?.flushLsn ?? null,
    asks,
  });
}
