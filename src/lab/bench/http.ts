import type { Machine } from '../ground.ts';
import { run } from '../run.ts';

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request from a machine's network, by bash as in ask.ts: the same bytes to every agent. Null: no answer. */
export async function ask(from: Machine, asked: Asked, limitMs: number): Promise<Answer | null> {
  const { method = 'GET', host, port, path, body = '' } = asked;
  const head = [`${method} ${path} HTTP/1.0`, `Host: ${host}`];
  const about = body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`];
  const request = [...head, ...about, '', body].join('\r\n');
  const script = 'exec 3<>"/dev/tcp/$0/$1" && printf %s "$2" >&3 && exec cat <&3';
  const argv = ['bash', '--norc', '-c', script, host, String(port), request];
  const { stdout } = await run(from.onItsNetwork(argv), { limitMs });
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(stdout)?.[1];
  if (status === undefined) return null;
  return { status: Number(status), body: stdout.split('\r\n\r\n').slice(1).join('\r\n\r\n') };
}
