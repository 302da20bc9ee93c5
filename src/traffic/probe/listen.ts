import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { writeGaps } from '../../codec/probe.ts';
import { metricsText } from './metrics.ts';
import type { Probe } from './probe.ts';

export type ProbeListening =
  | { readonly kind: 'listening'; readonly port: number; close(): void }
  | { readonly kind: 'failed'; readonly why: string };

const requestsAtOnceMax = 50;

/** What a probe knows, to look at: nothing can be asked of it here that changes anything. */
export function listen(probe: Probe, at: { readonly host: string; readonly port: number }): Promise<ProbeListening> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) =>
    answer(probe, request, response),
  );
  server.maxConnections = requestsAtOnceMax;
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ kind: 'failed', why: whyNot(error, at) }));
    server.listen(at.port, at.host === '*' ? '::' : at.host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : at.port;
      resolve({
        kind: 'listening',
        port,
        close() {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

function answer(probe: Probe, { method, url = '/' }: IncomingMessage, response: ServerResponse): void {
  const isRead = method === 'GET' || method === 'HEAD';
  const { status, type, text } = isRead ? pageOf(probe, url.split('?')[0]) : onlyGet;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(method === 'HEAD' ? undefined : text);
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const onlyGet: Page = { status: 405, type: 'text/plain', text: 'only GET: a probe is there to be read\n' };
const whatThereIs = 'a probe has /metrics for Prometheus, and /gaps for the incidents of the agents\n';

function pageOf(probe: Probe, path: string | undefined): Page {
  switch (path) {
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: metricsText(probe.status()) };
    case '/gaps':
      return { status: 200, type: 'application/json', text: writeGaps(probe.gaps()) };
    default:
      return { status: 404, type: 'text/plain', text: whatThereIs };
  }
}

function whyNot(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `--listen: ${host}:${port} is in use by another program, or by another probe: take a free port`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `--listen: ${host} is no address of this machine: take one, or * for all`;
    case 'EACCES':
      return `--listen: no permission to listen at ${host}:${port}: take a port above 1023`;
    default:
      return `--listen ${host}:${port}: ${error.message}`;
  }
}
