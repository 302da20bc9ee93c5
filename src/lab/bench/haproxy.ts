import type { Lab } from '../lab.ts';
import { until } from '../run.ts';
import { ask } from './http.ts';

/**
 * HAProxy's word on each server of a section ("UP", "DOWN", "UP 1/2" on the way), from its statistics as CSV. It sends them
 * in chunks even to HTTP/1.0: these few lines fit into one, whose length stands before the first line.
 */
export function readServers(csv: string, section: string): Readonly<Record<string, string>> {
  const rows = csv.split('\n').map((line) => line.split(','));
  const at = rows.find(([first]) => first === '# pxname')?.indexOf('status') ?? 0;
  return Object.fromEntries(
    rows
      .filter(([name, server = '']) => name === section && !['', 'FRONTEND', 'BACKEND'].includes(server))
      .map((row) => [row[1] ?? '', row[at] ?? '']),
  );
}

/**
 * Waits until HAProxy sends writes to the leader and to nobody else: after a switchover it takes up to nine seconds to
 * turn away from the old primary, and the next fault must not be measured with its predecessor's.
 */
export async function untilProxySettled(
  lab: Lab,
  leader: string,
  limitMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const asked = { host: lab.plan.client.address, port: lab.plan.haproxy.statistics, path: '/;csv' };
  let servers: Readonly<Record<string, string>> = {};
  const settled = await until(
    async () => {
      servers = readServers((await ask(lab.client.machine, asked, 2_000))?.body ?? '', 'writes');
      const states = Object.entries(servers);
      const right = states.every(([name, state]) => (name === leader ? state === 'UP' : state.startsWith('DOWN')));
      return states.length > 0 && right ? true : null;
    },
    limitMs,
    500,
    signal,
  );
  if (settled === null)
    throw new Error(`HAProxy does not send writes to ${leader} alone after ${limitMs} ms: ${JSON.stringify(servers)}`);
}
