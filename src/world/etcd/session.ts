import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientSessionOptions,
  connect as connectHttp2,
  type SecureClientSessionOptions,
} from 'node:http2';
import { whyOf } from '../failure.ts';
import type { Lookup } from './lookup.ts';

/** Files, as etcd3: cacert, cert and key name them. */
export interface EtcdTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export interface Session {
  /** Connects, unless connected. A text: why it could not; nothing was sent then. No limit: that is the caller's. */
  connect(): Promise<ClientHttp2Session | string>;
  /** Everything on it is over. */
  end(): void;
}

/**
 * One HTTP/2 session to one endpoint, made anew when it broke. It never pings: etcd answers pings faster than every 5 s
 * with GOAWAY (too_many_pings), and deadlines and progress requests tell more. Certificates are read anew for each
 * session, so that rotated ones are used from the next connection on. Throws when a certificate cannot be read.
 */
export function openSession(endpoint: string, tls: EtcdTls | null, lookup: Lookup): Session {
  const options = sessionOptions(endpoint, tls, lookup);
  let live: { readonly session: ClientHttp2Session; readonly ready: Promise<ClientHttp2Session | string> } | null =
    null;

  function begin() {
    const session = connectHttp2(endpoint, options);
    const ready = new Promise<ClientHttp2Session | string>((resolve) => {
      const broken = (why: string): void => {
        resolve(why);
        if (live?.session === session) live = null;
        setImmediate(() => session.destroy());
      };
      // Not at the TCP connection: a frozen server's kernel gives that, too, and a request would be lost in it.
      session.once('remoteSettings', () => resolve(session));
      session.on('error', (error) => broken(whyOf(error)));
      session.once('close', () => broken('the connection was closed'));
      // Of a TLS server that turns our certificate down the session hears nothing (Node 20), its socket does.
      session.socket.on('error', (error) => broken(whyOf(error)));
    });
    return { session, ready };
  }

  return {
    connect() {
      // After a GOAWAY it is closed for what is new, while what is under way goes on.
      if (live === null || live.session.closed || live.session.destroyed) live = begin();
      return live.ready;
    },
    /** A turn later: asked for inside a callback of that very session, Node 20 can loop for ever in its own HTTP/2 code (seen). */
    end() {
      setImmediate(() => live?.session.destroy());
    },
  };
}

function sessionOptions(
  endpoint: string,
  tls: EtcdTls | null,
  lookup: Lookup,
): ClientSessionOptions | SecureClientSessionOptions {
  // Node hands these on to net.connect and tls.connect, whose `lookup` http2's own types leave out.
  const connect = { lookup };
  if (!endpoint.startsWith('https:') || tls === null) return connect;
  const files: SecureClientSessionOptions = {
    ...(tls.ca === null ? {} : { ca: readFileSync(tls.ca) }),
    ...(tls.cert === null ? {} : { cert: readFileSync(tls.cert), key: readFileSync(tls.key ?? tls.cert) }),
  };
  return { ...connect, ...files };
}
