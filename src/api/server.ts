import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { type SecureContextOptions, TLSSocket } from 'node:tls';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { spacedJson } from '../codec/rest/json.ts';
import type { AgentHandles } from '../model/agent.ts';
import type { HostPort, LocalSettings, RestSettings } from '../model/settings.ts';
import { type Access, makeAccess } from './access.ts';
import { keepDoor } from './door.ts';
import { errorPage } from './page.ts';
import { type ApiRequest, page, type Reply } from './reply.ts';
import { type ApiDeps, agentRoutes, isSafe, type Route, type Routes, routeKey } from './routes.ts';
import { startStream } from './stream.ts';
import { clusterOf } from './view.ts';

/** What a reload of the configuration exchanges. */
interface ServerParts {
  readonly routes: Routes;
  /** For every request that no route is for. */
  readonly otherwise: Route;
  readonly access: Access;
  /** Sent with every answer but bare ones and error pages. */
  readonly headers: Readonly<Record<string, string>>;
}

export type Listening =
  | {
      readonly kind: 'ok';
      readonly port: number;
      /** Takes over a file that was read again, certificates that were renewed included. Gives what only a new start takes over. */
      adopt(local: LocalSettings): readonly string[];
      close(): Promise<void>;
    }
  | { readonly kind: 'failed'; readonly why: string };

const bodyBytesMax = 65_536;
const connectionsMax = 1_000;
/** Answers without end are open to all: they must leave room for the others. */
const streamsMax = 100;
const tooLarge = `the body is larger than ${bodyBytesMax} bytes`;
const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** The agent's REST API on `restapi.listen`. `why` is one line for the operator. */
export async function startApi(
  handles: AgentHandles,
  local: LocalSettings,
  shown: Pick<ApiDeps, 'livePage' | 'rules'> = {},
): Promise<Listening> {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());
  const memberHosts = (): string[] => {
    const snapshot = handles.snapshot();
    const members = snapshot === null ? [] : (clusterOf(snapshot.seen.dcs)?.members ?? []);
    return members.flatMap(({ apiUrl }) => hostOf(apiUrl) ?? []);
  };
  const partsOf = (of: LocalSettings): ServerParts => ({
    ...agentRoutes({ handles, local: of, ...shown, sleep }),
    access: makeAccess(of.rest, memberHosts),
    headers: extraHeaders(of.rest),
  });
  let parts = partsOf(local);
  const server = makeServer(() => parts, local.rest.tls);
  const listening = await server.listen(local.rest.listen);
  if (listening.kind === 'failed') return listening;
  function adopt(next: LocalSettings): readonly string[] {
    parts = partsOf(next);
    const wrong = server.renew(next.rest.tls);
    return [...onlyAtStart(local.rest, next.rest), ...(wrong === null ? [] : [wrong])];
  }
  return { ...listening, adopt };
}

function onlyAtStart(was: RestSettings, is: RestSettings): readonly string[] {
  const changed: readonly (readonly [name: string, changed: boolean])[] = [
    ['listen', was.listen.host !== is.listen.host || was.listen.port !== is.listen.port],
    ['certfile', (was.tls === null) !== (is.tls === null)],
    ['verify_client', was.tls !== null && is.tls !== null && was.tls.verifyClient !== is.tls.verifyClient],
  ];
  return changed.flatMap(([name, isOther]) =>
    isOther ? [`restapi.${name} was changed: that counts when this agent is started anew`] : [],
  );
}

/** Those that tell how long an answer is and what are told by the answer itself. */
function extraHeaders(rest: RestSettings): Readonly<Record<string, string>> {
  const all = { ...rest.httpExtraHeaders, ...(rest.tls === null ? {} : rest.httpsExtraHeaders) };
  const own = ['content-length', 'content-type', 'transfer-encoding', 'connection'];
  return Object.fromEntries(Object.entries(all).filter(([name]) => !own.includes(name.toLowerCase())));
}

type Opened = { readonly kind: 'ok'; readonly port: number; close(): Promise<void> };

/** A server for a table of routes. `renew`: with the certificates as they are now; null, or what is wrong with them. */
function makeServer(
  parts: () => ServerParts,
  tls: RestSettings['tls'],
): {
  listen(at: HostPort): Promise<Opened | Extract<Listening, { kind: 'failed' }>>;
  renew(tls: RestSettings['tls']): string | null;
} {
  let server: Server | null = null;
  let streams = 0;

  function admitted(answered: Reply): Reply {
    if (answered.kind !== 'stream') return answered;
    if (streams >= streamsMax) return page(503, `${streamsMax} others read such answers already`);
    return {
      kind: 'stream',
      start(write) {
        streams += 1;
        const stop = answered.start(write);
        return () => {
          streams -= 1;
          stop();
        };
      },
    };
  }

  /** Most are answered at once: health checks, by the thousand, are not made to wait for a promise. */
  function answer(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    const { routes, otherwise, headers } = parts();
    const asked = requestOf(request);
    const answered = (routes[routeKey(asked)] ?? otherwise)(asked);
    if (!(answered instanceof Promise)) return send(reply, admitted(answered), headers);
    return answered.then((later) => send(reply, later, headers));
  }

  function makeApp() {
    const app = Fastify({
      bodyLimit: bodyBytesMax,
      exposeHeadRoutes: false,
      forceCloseConnections: true,
      serverFactory: (handler) => {
        server = serverFor(tls, handler);
        return server;
      },
      frameworkErrors: (_error, _request, reply) => void send(reply, page(400), {}),
    });
    // Whatever a body is called, it is JSON: `curl -d` says form, others say nothing.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    app.addHook('onRequest', (request, reply, done) => {
      request.raw.headers['content-type'] = 'application/octet-stream';
      if (isSafe(request.method)) return done();
      const { access, headers } = parts();
      access(callerOf(request)).then((refusal) => (refusal === null ? done() : send(reply, refusal, headers)), done);
    });
    app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) =>
      send(reply, page(error.statusCode ?? 500, error.statusCode === 413 ? tooLarge : error.message), {}),
    );
    app.setNotFoundHandler(answer);
    app.route({ method: [...methods], url: '*', handler: answer });
    return app;
  }

  return {
    async listen({ host, port }) {
      try {
        const app = makeApp();
        const address = await app.listen({ host: host === '' || host === '*' ? '::' : host, port, backlog: 128 });
        return { kind: 'ok', port: Number(new URL(address).port), close: () => app.close() };
      } catch (error) {
        return { kind: 'failed', why: whyNot(error, `${host}:${port}`) };
      }
    },
    renew(now) {
      if (now === null || !(server instanceof TlsServer)) return null;
      try {
        server.setSecureContext(contextOf(now));
        return null;
      } catch (error) {
        return `restapi: the certificates were not taken over, those before stay: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
  };
}

/** How often it is looked who takes too long. */
const checks = { connectionsCheckingInterval: 2_000 };

function serverFor(tls: RestSettings['tls'], handler: RequestListener): Server {
  const server =
    tls === null
      ? createServer(checks, handler)
      : createTlsServer(
          {
            ...checks,
            ...contextOf(tls),
            handshakeTimeout: 10_000,
            requestCert: tls.verifyClient !== 'none',
            rejectUnauthorized: tls.verifyClient === 'required',
          },
          handler,
        );
  server.headersTimeout = 10_000;
  server.requestTimeout = 15_000;
  keepDoor(server, connectionsMax);
  return server;
}

/** As the files are now. */
const contextOf = (tls: NonNullable<RestSettings['tls']>): SecureContextOptions => ({
  cert: readFileSync(tls.certFile),
  key: readFileSync(tls.keyFile ?? tls.certFile),
  ...(tls.keyPassword === null ? {} : { passphrase: tls.keyPassword }),
  ...(tls.caFile === null ? {} : { ca: readFileSync(tls.caFile) }),
  ...(tls.ciphers === null ? {} : { ciphers: tls.ciphers }),
});

function requestOf(request: FastifyRequest): ApiRequest {
  const url = targetOf(request.raw.url);
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const query: Record<string, string> = {};
  if (at >= 0) for (const [key, value] of new URLSearchParams(url.slice(at + 1))) query[key] ??= value;
  const { 'content-length': length, 'transfer-encoding': chunked, origin, host } = request.headers;
  const told = length !== undefined || chunked !== undefined;
  const body = typeof request.body === 'string' ? request.body : '';
  return { method: request.method, path, query, body: told ? body : null, origin, host };
}

/** Path and query: proxies are free to put the address before them, and clients write more slashes than one. */
const targetOf = (url = '/'): string =>
  /^\/(?!\/)/.test(url) ? url : `/${url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?]*/i, '').replace(/^\/+/, '')}`;

const callerOf = ({ method, raw, headers, socket }: FastifyRequest) => ({
  method,
  path: targetOf(raw.url),
  origin: headers.origin,
  hosts: [headers.host, headers['x-forwarded-host']].flat(),
  address: socket.remoteAddress ?? '',
  authorization: headers.authorization,
  certified: socket instanceof TLSSocket && socket.authorized,
});

/** Patroni calls its sentences HTML. They repeat what was asked, and a browser shall not take that for a page of this agent's. */
const onlyText = { 'content-security-policy': "sandbox; default-src 'none'", 'x-content-type-options': 'nosniff' };

function send(reply: FastifyReply, answer: Reply, headers: Readonly<Record<string, string>>): FastifyReply {
  switch (answer.kind) {
    case 'bare': {
      const { method } = reply.request;
      reply.raw.writeHead(answer.status, method === 'HEAD' ? {} : { 'content-length': '0' });
      reply.hijack().raw.end();
      return reply;
    }
    case 'json': {
      // Past Fastify, which would add a charset to the type, and clients compare that. One text goes out in one write.
      const body = spacedJson(answer.value);
      const length = String(Buffer.byteLength(body));
      const head = { ...headers, 'content-type': 'application/json', 'content-length': length };
      reply.raw.writeHead(answer.status, head); // what it throws is still answered by Fastify
      reply.hijack().raw.end(body);
      return reply;
    }
    case 'text':
      return reply
        .code(answer.status)
        .headers({ ...(answer.type === undefined ? onlyText : {}), ...answer.headers, ...headers })
        .type(answer.type ?? 'text/html')
        .send(answer.text);
    case 'page': {
      const { html, phrase } = errorPage(answer.status, answer.why);
      reply.raw.statusMessage = phrase;
      return reply.code(answer.status).header('connection', 'close').type('text/html;charset=utf-8').send(html);
    }
    case 'stream':
      startStream(reply.hijack().raw, headers, answer.start);
      return reply;
    default:
      return answer satisfies never;
  }
}

function hostOf(apiUrl: string | null): string | null {
  const match = /^https?:\/\/(?:\[([^\]]+)\]|([^/:]+))/.exec(apiUrl ?? '');
  return match?.[1] ?? match?.[2] ?? null;
}

function whyNot(error: unknown, address: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'EADDRINUSE')
    return `REST API: ${address} is in use by another program: stop that, or set restapi.listen to a free port`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `REST API: ${address} is no address of this machine: correct restapi.listen`;
  if (code === 'EACCES') return `REST API: no permission to listen at ${address}: take a port above 1023`;
  return `REST API at ${address} could not start: ${message}`;
}
