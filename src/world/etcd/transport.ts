import type { EtcdCall, EtcdTransport } from '../../model/world.ts';
import { whyOf } from '../failure.ts';
import { calls } from './calls.ts';
import { makeLookup } from './lookup.ts';
import { type EtcdTls, openSession, type Session } from './session.ts';
import { resolveSrv } from './srv.ts';
import { openWatch } from './stream.ts';

/** Single requests to single etcd endpoints. What decides, rotates and retries stands above (agent/dcs). */
export function makeEtcdTransport(options: { readonly tls: EtcdTls | null }): EtcdTransport {
  const sessions = new Map<string, Session>();
  const lookup = makeLookup();

  function sessionFor(endpoint: string): Session {
    const open = sessions.get(endpoint);
    if (open !== undefined) return open;
    const session = openSession(endpoint, options.tls, lookup);
    sessions.set(endpoint, session);
    return session;
  }

  return {
    async call(endpoint, call, ask, limitMs, token) {
      const limit = startLimit(limitMs);
      try {
        // Connecting apart from asking tells what was certainly never sent.
        const connected = await Promise.race([sessionFor(endpoint).connect(), limit.reached]);
        if (connected === atLimit) return { kind: 'unsent', why: `no connection within ${limitMs} ms` };
        if (typeof connected === 'string') return { kind: 'unsent', why: connected };
        const asked = calls[call](connected, ask, {
          headers: headersFor(token, leaderless.has(call)),
          timeoutMs: limitMs + 100, // tells the server when to give up; our own limit comes first
        });
        const reply = await Promise.race([asked.reply, limit.reached]);
        if (reply !== atLimit) return reply;
        asked.cancel();
        return { kind: 'lost', why: `no answer within ${limitMs} ms` };
      } catch (error) {
        return { kind: 'unsent', why: whyOf(error) };
      } finally {
        limit.clear();
      }
    },
    watch(endpoint, ask, token, receive) {
      try {
        const session = openSession(endpoint, options.tls, lookup);
        return openWatch(session, ask, headersFor(token, false), receive);
      } catch (error) {
        queueMicrotask(() => receive({ kind: 'ended', why: whyOf(error) }));
        return { askProgress() {}, close() {} };
      }
    },
    cut(endpoint) {
      const session = sessions.get(endpoint);
      sessions.delete(endpoint);
      session?.end();
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

const atLimit = Symbol('limit');

function startLimit(limitMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reached = new Promise<typeof atLimit>((resolve) => {
    timer = setTimeout(() => resolve(atLimit), Math.max(0, limitMs));
  });
  return { reached, clear: () => clearTimeout(timer) };
}
