import { type FailsafeCaller, writePromiseAsk } from '../../codec/rest/failsafe.ts';
import { mayAskPromises, promiseSeen } from '../../decide/failsafe.ts';
import { me, memberOf, runningPrimary } from '../../decide/judge.ts';
import { untilStopMs } from '../../decide/timing.ts';
import { slotPositions } from '../../decide/upkeep/status.ts';
import type { HeldLease } from '../../model/cluster.ts';
import type { Fact } from '../../model/decision.ts';
import type { FailsafeMap, FailsafeRound, FailsafeView, PromiseAnswer, PromiseAsk } from '../../model/failsafe.ts';
import type { Observation } from '../../model/observation.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import type { InstantMs, Term } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import type { Dcs } from '../dcs/dcs.ts';
import { makePromises } from './promises.ts';
import { makeRounds, type Questions } from './rounds.ts';

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

  /** What was renewed meanwhile, or is another's or over, is nothing to ask about. */
  function questions(since: HeldLease): Questions | null {
    const held = dcs.held();
    const map = dcs.failsafeMap();
    const look = seen();
    if (look === null || map === null || held?.term !== since.term || held.sentMs > since.sentMs) return null;
    const now = { ...look, held };
    const nowMs = clock.now();
    if (nowMs >= held.deadlineMs || !mayAskPromises(now)) return null;
    const { cluster } = now.settings;
    const ttlMs = Math.min(held.ttlMs, cluster.ttlMs);
    return {
      members: without(map, me(now)),
      bodyFor: (asks) => bodyOf(now, { term: held.term, ttlMs, asks, tries: dcs.tried() }),
      limitMs: Math.max(answerLeastMs, Math.min(answerMostMs, untilStopMs(held, nowMs, cluster) / 2)),
    };
  }

  /** Whoever came onto the list while the others were asked may lead as well, and has promised nothing. */
  async function grant(term: Term, sentMs: InstantMs, asked: FailsafeMap): Promise<FailsafeRound['refusals']> {
    const look = seen();
    const map = dcs.failsafeMap();
    if (look === null || map === null) return [{ member: 'somebody', why: 'the list is not known any more' }];
    const unasked = Object.keys(without(map, me(look))).filter((name) => !(name in asked));
    if (unasked.length === 0 && dcs.extend(term, sentMs) !== null) await parts.extended();
    return unasked.map((member) => ({ member, why: 'came onto the list meanwhile' }));
  }

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
      const held = dcs.held();
      if (held === null) return;
      rounds.begin({ questions: () => questions(held), granted: (sentMs, asked) => grant(held.term, sentMs, asked) });
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

function bodyOf(seen: Observation, said: Pick<FailsafeCaller, 'term' | 'ttlMs' | 'asks' | 'tries'>): string {
  const primary = runningPrimary(seen);
  const cluster = seen.dcs.kind === 'reachable' ? seen.dcs.cluster : seen.dcs.lastSeen;
  const own = seen.published ?? memberOf(cluster, me(seen));
  return writePromiseAsk({
    name: me(seen),
    connUrl: own?.connUrl ?? null,
    apiUrl: own?.apiUrl ?? null,
    slots: primary === null ? {} : slotPositions(seen, primary),
    lsn: primary?.flushLsn ?? null,
    ...said,
  });
}
