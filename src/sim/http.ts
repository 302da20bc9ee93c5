import type { Http, HttpReply } from '../model/world.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { SimProcess } from './process.ts';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export type HttpAnswer = Omit<Extract<HttpReply, { kind: 'answered' }>, 'kind'>;

/** Who answers HTTP at which `host:port`. */
export interface HttpRoutes {
  serve(at: string, owner: SimProcess, answer: (request: HttpRequest) => Promise<HttpAnswer>): void;
  find(at: string): Served | null;
  machine(host: string): Machine | null;
}
interface Served {
  readonly owner: SimProcess;
  answer(request: HttpRequest): Promise<HttpAnswer>;
}

export function makeHttpRoutes(machines: readonly Machine[]): HttpRoutes {
  const served = new Map<string, Served>();
  return {
    serve(at, owner, answer) {
      const one = { owner, answer };
      served.set(at, one);
      owner.onEnd(() => {
        if (served.get(at) === one) served.delete(at);
      });
    },
    find: (at) => served.get(at) ?? null,
    machine: (host) => machines.find((one) => one.name === host) ?? null,
  };
}

export function makeHttp(routes: HttpRoutes, network: Network, machine: Machine, self: SimProcess): Http {
  return {
    request: (url, { method, body = '', headers = {}, limitMs }) =>
      new Promise<HttpReply>((resolve) => {
        const match = /^https?:\/\/([^/:]+):(\d+)(\/.*)?$/.exec(url);
        const host = match?.[1] ?? '';
        const answer = (reply: HttpReply): void =>
          network.send(host, machine.name, () => self.deliver(() => resolve(reply)));
        self.after(limitMs, () => resolve({ kind: 'silent', why: `no answer within ${limitMs} ms` }));
        const target = routes.machine(host);
        if (target === null) return self.after(1, () => resolve({ kind: 'silent', why: `${host}: unknown host` }));
        network.send(machine.name, host, () => {
          if (!target.powered()) return;
          const served = routes.find(`${host}:${match?.[2]}`);
          if (served === null) return answer({ kind: 'silent', why: 'connect ECONNREFUSED' });
          const forget = served.owner.onEnd(
            () => target.powered() && answer({ kind: 'silent', why: 'read ECONNRESET' }),
          );
          served.owner.deliver(() => {
            void served.answer({ method, path: match?.[3] ?? '/', headers, body }).then((reply) =>
              served.owner.deliver(() => {
                forget();
                answer({ kind: 'answered', ...reply });
              }),
            );
          });
        });
      }),
  };
}
