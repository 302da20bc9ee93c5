import { readFileSync } from 'node:fs';
import type { ClientSessionOptions, SecureClientSessionOptions } from 'node:http2';
import type { Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import type { Lookup } from './lookup.ts';

/** Files, as etcd3: cacert, cert and key name them. */
export interface EtcdTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export interface Session {
  readonly manager: Http2SessionManager;
  readonly transport: Transport;
}

/**
 * One HTTP/2 session to one endpoint. It never pings: etcd answers pings faster than every 5 s with GOAWAY
 * (too_many_pings), and deadlines and progress requests tell more. Certificates are read anew for each session, so that
 * rotated ones are used from the next connection on. Throws when a certificate cannot be read.
 */
export function openSession(endpoint: string, tls: EtcdTls | null, lookup: Lookup): Session {
  const manager = new Http2SessionManager(endpoint, {}, sessionOptions(endpoint, tls, lookup));
  return { manager, transport: createGrpcTransport({ baseUrl: endpoint, sessionManager: manager }) };
}

/**
 * Ends a session and everything on it, a turn later: asked for inside a callback of that very session, Node 20 can loop
 * for ever in its own HTTP/2 code, with memory growing (seen).
 */
export function endSession(session: Session): void {
  setImmediate(() => session.manager.abort());
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
