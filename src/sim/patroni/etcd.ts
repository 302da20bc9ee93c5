import type { EtcdAnswer, EtcdAsk, EtcdCall, EtcdHeader, World } from '../../model/world.ts';

/** What Patroni tells apart: the store said no, or it did not answer for as long as it was asked. */
export type Answered<C extends EtcdCall> =
  | { readonly kind: 'done'; readonly header: EtcdHeader; readonly answer: EtcdAnswer<C> }
  | { readonly kind: 'refused'; readonly code: number; readonly message: string };

/** The store could not be reached: whatever the cycle was about, it ends here, in one handler. */
export class DcsError extends Error {}

export interface PeerEtcd {
  /** Throws DcsError once the budget is spent. What was given up may still be carried out. */
  request<C extends EtcdCall>(call: C, ask: EtcdAsk<C>, budgetMs: number): Promise<Answered<C>>;
  /** The endpoint in use. */
  endpoint(): string;
  onSwitch(switched: () => void): void;
}

/** DEADLINE_EXCEEDED and FAILED_PRECONDITION are tried again where they came from, UNAVAILABLE elsewhere. */
const triedAgain: ReadonlySet<number> = new Set([4, 9]);
const unavailable = 14;
const leastTryMs = 1000;

/** How Patroni asks etcd: one endpoint until it fails, then the next, until the budget of the operation is spent. */
export function makePeerEtcd(world: Pick<World, 'clock' | 'chance' | 'etcd'>, endpoints: readonly string[]): PeerEtcd {
  const { clock, chance } = world;
  const listeners: (() => void)[] = [];
  let at = chance.below(endpoints.length);
  const endpoint = (): string => endpoints[at % endpoints.length] ?? '';
  function next(): void {
    at += 1;
    for (const switched of listeners) switched();
  }
  /** Three tries of one endpoint, two of two, one of more: together no longer than the budget. */
  const tryMs = (budgetMs: number): number =>
    Math.max(leastTryMs, budgetMs / endpoints.length / Math.max(1, 4 - endpoints.length));

  return {
    endpoint,
    onSwitch: (switched) => void listeners.push(switched),
    async request(call, ask, budgetMs) {
      const endMs = clock.now() + budgetMs;
      let why = 'no time is left';
      let failures = 0;
      for (let pauseMs = 100; clock.now() < endMs; ) {
        const limitMs = Math.min(tryMs(budgetMs), endMs - clock.now());
        const reply = await world.etcd.call(endpoint(), call, ask, limitMs, null);
        if (reply.kind === 'answered') return { kind: 'done', header: reply.header, answer: reply.answer };
        const elsewhere = reply.kind !== 'error' || reply.code === unavailable;
        if (reply.kind === 'error' && !elsewhere && !triedAgain.has(reply.code))
          return { kind: 'refused', code: reply.code, message: reply.message };
        why = reply.kind === 'error' ? reply.message : reply.why;
        if (elsewhere) next();
        failures += 1;
        if (elsewhere && failures % endpoints.length !== 0) continue;
        await clock.sleep(Math.min(pauseMs + chance.below(800), Math.max(0, endMs - clock.now())));
        pauseMs = Math.min(2 * pauseMs, 1000);
      }
      throw new DcsError(why);
    },
  };
}
