import { agentRoutes, routeKey } from '../api/routes.ts';
import { spacedJson } from '../codec/rest/json.ts';
import type { AgentHandles } from '../model/agent.ts';
import type { LocalSettings } from '../model/settings.ts';
import type { Clock } from '../model/world.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';

/** The shipped API: the same table of handlers that the server on a real node puts behind its port. */
export function makeApi(
  handles: AgentHandles,
  local: LocalSettings,
  clock: Clock,
): (request: HttpRequest) => Promise<HttpAnswer> {
  const { routes, otherwise } = agentRoutes({ handles, local, sleep: (ms) => clock.sleep(ms) });
  return async ({ method, path, body }) => {
    const [plain = '/', query = ''] = path.split('?');
    const request = { method, path: plain, query: queryOf(query), body: body === '' ? null : body };
    const reply = await (routes[routeKey(request)] ?? otherwise)(request);
    switch (reply.kind) {
      case 'json':
        return { status: reply.status, headers: {}, body: spacedJson(reply.value) };
      case 'text':
        return { status: reply.status, headers: reply.headers ?? {}, body: reply.text };
      case 'bare':
      case 'page':
        return { status: reply.status, headers: {}, body: '' };
      case 'stream':
        throw new Error(`${method} ${path} answers without end: nobody in the simulator reads such a stream`);
      default:
        return reply satisfies never;
    }
  };
}

const queryOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', value = ''] = pair.split('=');
        return [name, value];
      }),
  );
