import { create } from '@bufbuild/protobuf';
import { type CallOptions, createClient } from '@connectrpc/connect';
import type { EtcdTransport, EtcdWatchMessage } from '../../model/world.ts';
import { Watch, type WatchRequest, WatchRequestSchema } from './generated/etcd_pb.js';
import { rangeOf, watchMessageOf } from './messages.ts';
import { endSession, type Session } from './session.ts';

type WatchAsk = Parameters<EtcdTransport['watch']>[1];

/** One watch stream on a session that is its own, so that cutting calls leaves it alone. Closing it ends the session. */
export function openWatch(
  session: Session,
  ask: WatchAsk,
  options: CallOptions,
  receive: (message: EtcdWatchMessage) => void,
): { askProgress(): void; close(): void } {
  const requests = makeQueue();
  const abort = new AbortController();
  let closed = false;

  requests.push(
    create(WatchRequestSchema, {
      requestUnion: { case: 'createRequest', value: { ...rangeOf(ask), startRevision: ask.startRevision } },
    }),
  );
  void follow();

  async function follow(): Promise<void> {
    const client = createClient(Watch, session.transport);
    let why = 'the server closed the stream';
    try {
      for await (const message of client.watch(requests.drain(), { ...options, signal: abort.signal })) {
        if (closed) break;
        receive(watchMessageOf(message));
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (!closed) receive({ kind: 'ended', why });
    close();
  }

  function close(): void {
    if (closed) return;
    closed = true;
    requests.end();
    setImmediate(() => abort.abort());
    endSession(session);
  }

  return {
    askProgress() {
      const value = { requestUnion: { case: 'progressRequest' as const, value: {} } };
      requests.push(create(WatchRequestSchema, value));
    },
    close,
  };
}

/** Requests wait here until the stream takes them. */
function makeQueue() {
  const waiting: WatchRequest[] = [];
  let ended = false;
  let wake = (): void => {};
  return {
    push(request: WatchRequest): void {
      if (ended || waiting.length > 16) return; // a stream that takes nothing is dead; its supervisor will see
      waiting.push(request);
      wake();
    },
    end(): void {
      ended = true;
      wake();
    },
    async *drain(): AsyncGenerator<WatchRequest> {
      while (!ended) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
