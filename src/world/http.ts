import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Http, HttpReply } from '../model/world.ts';
import { whyOf } from './failure.ts';

export interface HttpOptions {
  readonly basicAuth?: { readonly username: string; readonly password: string } | null;
  /** For https: as the `ctl` section says. The files are read at each request, so that a renewed certificate counts. */
  readonly tls?: {
    readonly caFile: string | null;
    readonly certFile: string | null;
    readonly keyFile: string | null;
    readonly keyPassword?: string | null;
    /** Do not verify the other side. */
    readonly insecure: boolean;
  } | null;
}

const bodyBytesMax = 4 * 1024 * 1024;

/** A connection of its own for each request: a pooled one that died meanwhile would make a living peer look silent. */
export function makeHttp(options: HttpOptions | (() => HttpOptions) = {}): Http {
  return {
    async request(url, { method, body, headers, limitMs }) {
      const { tls, basicAuth } = typeof options === 'function' ? options() : options;
      const endMs = performance.now() + limitMs;
      try {
        const { protocol } = new URL(url);
        const secure = protocol === 'https:' ? await tlsOf(tls ?? null) : null;
        const request: RequestOptions = {
          method,
          agent: false,
          headers: {
            ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
            ...(basicAuth ? { authorization: basic(basicAuth) } : {}),
            ...headers,
          },
          ...secure,
        };
        return await ask(url, request, body, endMs - performance.now(), limitMs);
      } catch (error) {
        return { kind: 'silent', why: whyOf(error) };
      }
    },
  };
}

function ask(
  url: string,
  options: RequestOptions,
  body: string | undefined,
  leftMs: number,
  limitMs: number,
): Promise<HttpReply> {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(url, options, (response) => gather(response, finish));
    const timer = setTimeout(() => finish({ kind: 'silent', why: `no answer in ${limitMs} ms` }), Math.max(leftMs, 0));
    request.on('error', (error) => finish({ kind: 'silent', why: whyOf(error) }));
    request.end(body);

    function finish(reply: HttpReply): void {
      clearTimeout(timer);
      resolve(reply);
      request.destroy();
    }
  });
}

function gather(response: IncomingMessage, finish: (reply: HttpReply) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bodyBytesMax) finish({ kind: 'silent', why: `the answer is longer than ${bodyBytesMax} bytes` });
  });
  response.on('error', (error) => finish({ kind: 'silent', why: whyOf(error) }));
  response.on('end', () =>
    finish({
      kind: 'answered',
      status: response.statusCode ?? 0,
      headers: Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : (value ?? ''),
        ]),
      ),
      body: Buffer.concat(chunks).toString('utf8'),
    }),
  );
}

const basic = ({ username, password }: { readonly username: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

async function tlsOf(tls: HttpOptions['tls']): Promise<RequestOptions> {
  if (!tls) return {};
  const read = (path: string | null): Promise<string | null> =>
    path === null ? Promise.resolve(null) : readFile(path, 'utf8');
  const [ca, cert, key] = await Promise.all([read(tls.caFile), read(tls.certFile), read(tls.keyFile ?? tls.certFile)]);
  return {
    rejectUnauthorized: !tls.insecure,
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(cert === null || key === null ? {} : { key }),
    ...(tls.keyPassword ? { passphrase: tls.keyPassword } : {}),
  };
}
