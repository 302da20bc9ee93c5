import { type InstantMs, later, type Revision, revision } from '../../model/units.ts';
import type { Cancel, EtcdEvent, EtcdWatchMessage } from '../../model/world.ts';
import type { DcsWorld, EtcdClient, Note } from './client.ts';

/** A quiet stream is asked for a sign of life so often: the shorter the lease, the sooner its end must be seen. */
const progressEvery = (ttlMs: number): number => Math.min(2_000, Math.max(1_000, ttlMs / 15));
/** Nothing heard for so many of these: the stream is taken for dead. */
const stallsAfter = 2.5;
const pauseMs = { first: 50, most: 1_000 } as const;
/** Progress replies in a row that may lag behind what a quorum has shown. */
const lagsAllowed = 2;

export interface Watch {
  start(): void;
  stop(): void;
}

interface Stream {
  readonly endpoint: string;
  askProgress(): void;
  close(): void;
}

/**
 * Keeps one watch on the prefix alive and passes its events on. It only ever wakes people: nothing is decided from an
 * event, so a lost one costs time and no more. A stream that falls silent, lags or ends is replaced by one to another
 * endpoint, from where the last left off; when etcd has forgotten those revisions, `relist` says: look at everything.
 */
export function makeWatch(
  world: DcsWorld,
  client: EtcdClient,
  range: { readonly prefix: string; readonly rangeEnd: string },
  handlers: { event(event: EtcdEvent): void; relist(): void; readonly ttlMs: () => number; readonly note: Note },
): Watch {
  const { clock } = world;
  const stallMs = (): number => stallsAfter * progressEvery(handlers.ttlMs());
  let running = false;
  /** Counts lives: a late callback of an earlier stream or timer must not touch the present one. */
  let life = 0;
  let stream: Stream | null = null;
  let cursor: Revision | null = null;
  /** The endpoint whose stream failed last: any other is better. */
  let left: string | null = null;
  let heardMs: InstantMs = clock.now();
  let askedAt = 0n;
  let lags = 0;
  let failures = 0;
  let cluster = 0;
  let cancelTick: Cancel = () => {};

  async function connect(): Promise<void> {
    const mine = ++life;
    if (cluster !== client.identity.changes()) cursor = null; // revisions of another cluster
    cluster = client.identity.changes();
    if (cursor === null) {
      const asked = await client.request('range', { key: `${range.prefix}leader` }, { budgetMs: 2_000 });
      if (mine !== life || !running) return;
      if (asked.kind !== 'done') return retry();
      cursor = revision(asked.header.revision + 1n);
      handlers.relist();
    }
    const order = client.endpoints.order();
    const endpoint = order.find((one) => one !== left) ?? order[0];
    if (endpoint === undefined) return retry();
    const granted = await client.token.get(endpoint, stallMs());
    if (mine !== life || !running) return;
    if (granted.kind !== 'token') return retry();
    heardMs = clock.now();
    askedAt = 0n;
    lags = 0;
    const ask = { key: range.prefix, rangeEnd: range.rangeEnd, startRevision: cursor };
    const opened = world.etcd.watch(endpoint, ask, granted.token, (message) => {
      if (mine === life) receive(endpoint, message);
    });
    if (mine !== life) return opened.close();
    stream = { endpoint, ...opened };
    tick(mine);
  }

  function receive(endpoint: string, message: EtcdWatchMessage): void {
    heardMs = clock.now();
    switch (message.kind) {
      case 'created':
        return;
      case 'events':
        failures = 0;
        for (const event of message.events) if (cursor === null || event.modRevision >= cursor) handlers.event(event);
        cursor = cursorAfter(message.events, cursor);
        return;
      case 'progress':
        // A sign of life and of the member's place; never proof that all events up to there were sent.
        failures = 0;
        lags = message.header.revision < askedAt ? lags + 1 : 0;
        if (lags >= lagsAllowed) leave(endpoint, `it is at revision ${message.header.revision}, behind ${askedAt}`);
        return;
      case 'canceled':
        // What happened up to a compaction is gone: look at everything.
        if (message.compactRevision !== null) cursor = null;
        else if (/auth|permission/.test(message.why)) client.token.drop(client.token.current());
        replace();
        return;
      case 'ended':
        leave(endpoint, message.why);
        return;
      default:
        message satisfies never;
    }
  }

  function tick(mine: number): void {
    cancelTick();
    const limitMs = stallMs();
    const nextMs = Math.min(limitMs / stallsAfter, Math.max(1, heardMs + limitMs - clock.now()));
    cancelTick = clock.at(later(clock.now(), nextMs), () => {
      if (mine !== life || stream === null) return;
      if (clock.now() - heardMs >= limitMs)
        return leave(stream.endpoint, `nothing heard for ${Math.round(limitMs)} ms`);
      if (cluster !== client.identity.changes()) return replace();
      if (lags === 0) askedAt = client.identity.newestRevision();
      stream.askProgress();
      tick(mine);
    });
  }

  function leave(endpoint: string, why: string): void {
    left = endpoint;
    handlers.note('info', 'the etcd watch goes to another endpoint', [
      ['left', endpoint],
      ['why', why],
    ]);
    replace();
  }

  function replace(): void {
    stream?.close();
    stream = null;
    retry();
  }

  function retry(): void {
    const mine = ++life;
    cancelTick();
    const pause = failures === 0 ? 0 : Math.min(pauseMs.most, pauseMs.first * 2 ** failures);
    failures += 1;
    cancelTick = clock.at(later(clock.now(), pause), () => {
      if (mine === life && running) void connect();
    });
  }

  return {
    start() {
      if (running) return;
      running = true;
      void connect();
    },
    stop() {
      running = false;
      life += 1;
      cancelTick();
      stream?.close();
      stream = null;
    },
  };
}

/** One past the last event. Never from a header: events of its revision may still be to come. */
const cursorAfter = (events: readonly EtcdEvent[], cursor: Revision | null): Revision | null =>
  events.reduce<Revision | null>((next, { modRevision }) => {
    const after = revision(modRevision + 1n);
    return next !== null && next > after ? next : after;
  }, cursor);
