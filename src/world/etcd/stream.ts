import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { EtcdTransport, EtcdWatchMessage } from '../../model/world.ts';
import { whyOf } from '../failure.ts';
import { Watch, WatchRequestSchema } from './generated/etcd_pb.js';
import { openRpc, type Rpc, type RpcEnd, type RpcOptions } from './grpc.ts';
import { rangeOf, watchMessageOf } from './messages.ts';
import type { Session } from './session.ts';

type WatchAsk = Parameters<EtcdTransport['watch']>[1];
type Request = NonNullable<MessageInitShape<typeof WatchRequestSchema>['requestUnion']>;
const requestOf = (requestUnion: Request) => create(WatchRequestSchema, { requestUnion });

/** One watch stream on a session that is its own, so that cutting calls leaves it alone. Closing it ends the session. */
export function openWatch(
  session: Session,
  ask: WatchAsk,
  headers: RpcOptions['headers'],
  receive: (message: EtcdWatchMessage) => void,
): { askProgress(): void; close(): void } {
  let rpc: Rpc<ReturnType<typeof requestOf>> | null = null;
  let closed = false;
  void open().catch((error: unknown) => ended(whyOf(error)));

  async function open(): Promise<void> {
    const connected = await session.connect();
    if (closed) return;
    if (typeof connected === 'string') return ended(connected);
    rpc = openRpc(
      connected,
      Watch.method.watch,
      { headers, timeoutMs: null },
      {
        message: (message) => receive(watchMessageOf(message)),
        ended: (end) => ended(whyEnded(end)),
      },
    );
    rpc.send(requestOf({ case: 'createRequest', value: { ...rangeOf(ask), startRevision: ask.startRevision } }));
  }

  function ended(why: string): void {
    if (!closed) receive({ kind: 'ended', why });
    close();
  }

  function close(): void {
    if (closed) return;
    closed = true;
    rpc?.cancel();
    session.end();
  }

  return { askProgress: () => rpc?.send(requestOf({ case: 'progressRequest', value: {} })), close };
}

function whyEnded(end: RpcEnd): string {
  if (end.kind !== 'status') return end.why;
  return end.code === 0 ? 'the server closed the stream' : end.message;
}
