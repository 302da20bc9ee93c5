import type { Machine } from './ground.ts';
import { run } from './run.ts';

/**
 * Asks the agent of a machine from inside its network, so that it answers with the cable cut as well. By bash, which is
 * there on every Debian and costs a few milliseconds. The body's text; null: no answer, or not 200.
 */
export async function askAgent(machine: Machine, path: string, limitMs: number): Promise<string | null> {
  if (!machine.isOn()) return null;
  const host = machine.plan.listen === '0.0.0.0' ? '127.0.0.1' : machine.plan.listen;
  const script =
    'exec 3<>"/dev/tcp/$0/8008" && printf "GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" "$1" "$0" >&3 && exec cat <&3';
  const { code, stdout } = await run(machine.onItsNetwork(['bash', '--norc', '-c', script, host, path]), { limitMs });
  const [head = '', ...body] = stdout.split('\r\n\r\n');
  if (code !== 0 || !/^HTTP\/1\.[01] 200/.test(head)) return null;
  return body.join('\r\n\r\n');
}

/** Null: not JSON. */
export function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
