import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { RuleTexts } from '../../model/moment.ts';
import type { Album } from '../album.ts';
import type { Desk } from '../control.ts';
import type { Lab } from '../lab.ts';
import { programRoot } from '../program.ts';
import type { Playhouse } from '../scenario/playhouse.ts';
import { readDeed } from './deed.ts';
import { refusalOf } from './guard.ts';
import { type Hub, makeHub } from './hub.ts';
import { why, whyNot } from './why.ts';

/** The live page of a lab on the host's loopback: to look at for all who reach that, to break things for who has the key. */
export interface LivePage {
  /** With the key behind the #: browsers keep that to themselves. */
  readonly url: string;
  end(): Promise<void>;
}

/** What the page shows and asks for besides the lab itself. */
export interface Served {
  readonly album: Album;
  readonly desk: Desk;
  readonly playhouse: Playhouse;
  /** What the agents' rules say, for who asks why they said nothing. */
  readonly rules: RuleTexts;
}

const bodyBytesMax = 4_096;
/** A reader that does not read is let go: what waits for it is our memory. */
const waitingBytesMax = 4_000_000;

/** Null, and a word of it: a lab is of use without its page. */
export async function servePage(
  lab: Lab,
  { album, desk, playhouse, rules }: Served,
  say: (line: string) => void,
): Promise<LivePage | null> {
  const port = lab.plan.ports?.page ?? null;
  if (port === null) return null;
  const key = randomBytes(12).toString('base64url');
  const hub = makeHub(lab, album, playhouse);
  const server = createServer((request, response) => {
    answer(request, response, { lab, hub, desk, playhouse, rules, key }).catch(() => response.destroy());
  });
  const problem = await new Promise<string | null>((settle) => {
    server.once('error', (error) => settle(error.message));
    server.listen(port, '127.0.0.1', () => settle(null));
  });
  if (problem !== null) {
    say(`no live page: ${problem}`);
    return null;
  }
  return {
    url: `http://localhost:${port}/#${key}`,
    async end() {
      hub.end();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

interface Behind {
  readonly lab: Lab;
  readonly hub: Hub;
  readonly desk: Desk;
  readonly playhouse: Playhouse;
  readonly rules: RuleTexts;
  readonly key: string;
}

async function answer(request: IncomingMessage, response: ServerResponse, behind: Behind): Promise<void> {
  const { method, headers } = request;
  const given = headers['x-lab-key'];
  const key = typeof given === 'string' ? given : undefined;
  const refusal = refusalOf({ method, host: headers.host, origin: headers.origin, key }, behind.key);
  if (refusal !== null) return say(response, 403, refusal);
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const searchParams = new URLSearchParams(query);
  if (method === 'GET' && (path === '/' || path === '/ui')) return showPage(response);
  if (method === 'GET' && path === '/ui/stream') return stream(response, behind.hub);
  if (method === 'GET' && path === '/ui/why') return tell(response, await why(behind, searchParams));
  if (method === 'GET' && path === '/ui/why-not') return tell(response, await whyNot(behind.lab, searchParams));
  const [, report = null] = /^\/ui\/report\/(\d{1,6})$/.exec(path) ?? [];
  if (method === 'GET' && report !== null) return showReport(response, behind.playhouse.report(Number(report)));
  if (method === 'POST' && path === '/ui/do') return act(request, response, behind);
  say(response, 404, 'there is / to look at');
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...common }).end(`${text}\n`);
}

/** Text: why there is no answer. */
function tell(response: ServerResponse, answer: object | string): void {
  if (typeof answer === 'string') say(response, 404, answer);
  else response.writeHead(200, { 'content-type': 'application/json', ...common }).end(JSON.stringify(answer));
}

const common = {
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

function showPage(response: ServerResponse): void {
  const path = join(programRoot, 'dist/live.html');
  if (existsSync(path))
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...common }).end(readFileSync(path));
  else say(response, 404, 'the live page was not built: npm run build');
}

/** It needs nothing, so nothing is let in. */
const reportPolicy = "default-src 'none'; style-src 'unsafe-inline'";

function showReport(response: ServerResponse, text: string | null): void {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': reportPolicy, ...common };
  if (text !== null) response.writeHead(200, headers).end(text);
  else say(response, 404, 'no such report: the last ten of this lab are kept');
}

function stream(response: ServerResponse, hub: Hub): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...common });
  response.write('retry: 1000\n\n');
  const leave = hub.look((text) => {
    if (response.writableLength > waitingBytesMax) response.destroy();
    else response.write(`data: ${text}\n\n`);
  });
  response.on('close', leave);
  response.on('error', () => response.destroy());
}

async function act(request: IncomingMessage, response: ServerResponse, { lab, hub, desk }: Behind): Promise<void> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > bodyBytesMax) return say(response, 413, 'too long');
  }
  const deed = readDeed(
    body,
    [...lab.nodes, lab.client].map(({ name }) => name),
  );
  if (typeof deed === 'string') return say(response, 400, deed);
  const reply = await desk(deed);
  hub.stir();
  if (reply.kind === 'failed') return say(response, 409, reply.why);
  say(response, 200, typeof reply.value === 'string' ? reply.value : 'done');
}
