import type { Machine } from './ground.ts';
import { run } from './run.ts';

/**
 * Asks the agent of a machine from inside its network, so that it answers with the cable cut as well. By bash, which is
 * there on every Debian and costs a few milliseconds. The body's text; null: no answer, or not 200.
 */
export async function askAgent(machine: Machine, path: string, limitMs: number): Promise<string | null> {
  const answer = await askService(machine, { method: 'GET', port: agentPort, path }, limitMs);
  return answer?.status === 200 ? answer.body : null;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly port: number;
  readonly path: string;
  readonly body?: string;
}

export const agentPort = 8008;

/** The same to any port and with any status. Null: no whole answer. */
export async function askService(
  machine: Machine,
  question: Question,
  limitMs: number,
): Promise<{ readonly status: number; readonly body: string } | null> {
  if (!machine.isOn()) return null;
  const { code, stdout } = await run(askCommand(machine, question), { limitMs });
  const [head = '', ...body] = stdout.split('\r\n\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  return code !== 0 || status === undefined ? null : { status: Number(status), body: body.join('\r\n\r\n') };
}

/** Prints the answer, head and all, as it comes. Killed on the host it is gone: nothing is forked. */
export function askCommand(machine: Machine, { method, port, path, body = '' }: Question): readonly string[] {
  const host = machine.plan.listen === '0.0.0.0' ? '127.0.0.1' : machine.plan.listen;
  const script = 'exec 3<>"/dev/tcp/$0/$1" && printf "%s" "$2" >&3 && exec cat <&3';
  const length = method === 'GET' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const request = `${method} ${path} HTTP/1.0\r\nHost: ${host}\r\n${length}\r\n${body}`;
  return machine.onItsNetwork(['bash', '--norc', '-c', script, host, String(port), request]);
}

/** Null: not JSON. */
export function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
