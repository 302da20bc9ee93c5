import { pid } from '../model/units.ts';
import type { HttpReply } from '../model/world.ts';
import { type HttpRequest, makeHttp } from './http.ts';
import type { Machine } from './machine.ts';
import { restPort } from './settings.ts';
import type { Surroundings } from './world.ts';

/** A process that asks the REST API of its own machine, once, and ends. */
export async function curl(
  { http, network }: Pick<Surroundings, 'http' | 'network'>,
  machine: Machine,
  { method, path, body }: Omit<HttpRequest, 'headers'>,
): Promise<HttpReply> {
  const client = machine.processes.spawn({
    parent: pid(1),
    executable: '/usr/bin/curl',
    start: { args: [], env: {}, input: '' },
    cwd: '/',
    program: () => {},
  });
  const headers = { 'content-type': 'application/json' };
  const reply = await makeHttp(http, network, machine, client).request(`http://${machine.name}:${restPort}${path}`, {
    method,
    body,
    headers,
    limitMs: 60_000,
  });
  client.exit(0);
  return reply;
}
