import { Code, ConnectError } from '@connectrpc/connect';
import type { EtcdCall, EtcdReply, EtcdTransport } from '../../model/world.ts';
import { type Clients, clientsOver, perform } from './calls.ts';
import { makeLookup } from './lookup.ts';
import { type EtcdTls, endSession, openSession, type Session } from './session.ts';
import { resolveSrv } from './srv.ts';
import { openWatch } from './stream.ts';

interface CallSession extends Session {
  readonly clients: Clients;
}

/** Single requests to single etcd endpoints. What decides, rotates and retries stands above (agent/dcs). */
export function makeEtcdTransport(options: { readonly tls: EtcdTls | null }): EtcdTransport {
  const sessions = new Map<string, CallSession>();
  const lookup = makeLookup();

  function sessionFor(endpoint: string): CallSession {
    const open = sessions.get(endpoint);
    if (open !== undefined) return open;
    const session = openSession(endpoint, options.tls, lookup);
    const made = { ...session, clients: clientsOver(session.transport) };
    sessions.set(endpoint, made);
    return made;
  }

  return {
    async call(endpoint, call, ask, limitMs, token) {
      const abort = new AbortController();
      const limit = startLimit(limitMs);
      try {
        const session = sessionFor(endpoint);
        // Connecting apart from asking tells what was certainly never sent.
        const connected = await Promise.race([session.manager.connect(), limit.reached]);
        if (connected === 'limit') return { kind: 'unsent', why: `no connection within ${limitMs} ms` };
        if (connected === 'error') return { kind: 'unsent', why: reasonOf(session.manager.error()) };
        const answered = perform[call](session.clients, ask, {
          signal: abort.signal,
          headers: headersFor(token, leaderless.has(call)),
          timeoutMs: limitMs + 100, // tells the server when to give up; our own limit comes first
        }).then((answer) => ({ kind: 'answered' as const, ...answer }), sortError<typeof call>);
        const reply = await Promise.race([answered, limit.reached]);
        return reply === 'limit' ? { kind: 'lost', why: `no answer within ${limitMs} ms` } : reply;
      } catch (error) {
        return { kind: 'unsent', why: reasonOf(error) };
      } finally {
        limit.clear();
        setImmediate(() => abort.abort());
      }
    },
    watch(endpoint, ask, token, receive) {
      try {
        const session = openSession(endpoint, options.tls, lookup);
        return openWatch(session, ask, { headers: headersFor(token, false) }, receive);
      } catch (error) {
        queueMicrotask(() => receive({ kind: 'ended', why: reasonOf(error) }));
        return { askProgress() {}, close() {} };
      }
    },
    cut(endpoint) {
      const session = sessions.get(endpoint);
      sessions.delete(endpoint);
      if (session !== undefined) endSession(session);
    },
    resolveSrv: (domain, limitMs) => resolveSrv(domain, limitMs),
  };
}

/** Calls that a member without a leader may answer: they tell what is wrong with it. */
const leaderless: ReadonlySet<EtcdCall> = new Set(['status', 'authenticate']);

/** With `hasleader` a member that is cut off from its leader says so at once, instead of letting a request hang. */
const headersFor = (token: string | null, leaderlessToo: boolean): Record<string, string> => ({
  ...(leaderlessToo ? {} : { hasleader: 'true' }),
  ...(token === null ? {} : { authorization: token }),
});

/** A status that came from the server is an answer. Anything else broke on the way: the request may have arrived. */
function sortError<C extends EtcdCall>(error: unknown): EtcdReply<C> {
  if (error instanceof ConnectError && error.metadata.has('grpc-status'))
    return { kind: 'error', code: error.code, message: error.rawMessage };
  // Refused by HTTP/2 before any processing.
  if (error instanceof ConnectError && error.code === Code.Unavailable && /REFUSED_STREAM/.test(error.message))
    return { kind: 'unsent', why: error.rawMessage };
  return { kind: 'lost', why: reasonOf(error) };
}

function reasonOf(error: unknown): string {
  if (error instanceof ConnectError) return error.rawMessage;
  return error instanceof Error ? error.message : String(error ?? 'the connection was closed');
}

function startLimit(limitMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reached = new Promise<'limit'>((resolve) => {
    timer = setTimeout(() => resolve('limit'), Math.max(0, limitMs));
  });
  return { reached, clear: () => clearTimeout(timer) };
}
