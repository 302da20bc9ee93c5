import type { Sql, SqlResult, SqlSession, SqlTarget, Statement } from '../../model/world.ts';
import type { Machine } from '../machine.ts';
import type { SimProcess } from '../process.ts';
import { answerStatement } from './answers.ts';
import { type Instance, type PostgresWorld, spawnChild } from './instance.ts';

type Connected = Awaited<ReturnType<Sql['connect']>>;

/** SQL as one process uses it: to the server of its own machine by socket directory, to any other by host name. */
export function makeSql(world: PostgresWorld, machine: Machine, self: SimProcess): Sql {
  const { network } = world;
  return {
    connect: (target, limitMs) =>
      new Promise<Connected>((resolve) => {
        const host = hostOf(target, machine);
        const answer = (connected: Connected): void => self.deliver(() => resolve(connected));
        const back = (what: () => void): void => network.send(host, machine.name, what);
        self.after(limitMs, () => resolve({ kind: 'unreachable', why: `timeout expired (${limitMs} ms)` }));
        network.send(machine.name, host, () => {
          if (world.machine(host)?.powered() !== true) return;
          const server = world.serverAt(host, target.port);
          if (server === null) return back(() => answer({ kind: 'unreachable', why: 'connect ECONNREFUSED' }));
          server.postmaster.deliver(() => {
            const refused = refusalOf(server);
            if (refused !== null) return back(() => answer({ kind: 'rejected', ...refused }));
            const session = openSession(server, machine, self, target);
            back(() => answer({ kind: 'connected', session }));
          });
        });
      }),
  };
}

const hostOf = (target: SqlTarget, machine: Machine): string =>
  target.host.startsWith('/') || target.host === 'localhost' || target.host === '127.0.0.1'
    ? machine.name
    : target.host;

function refusalOf(server: Instance): { readonly sqlState: string; readonly message: string } | null {
  if (server.phase === 'starting') return { sqlState: '57P03', message: 'the database system is starting up' };
  if (server.phase !== 'ready') return { sqlState: '57P03', message: 'the database system is shutting down' };
  return server.connectionsUsedUp ? { sqlState: '53300', message: 'sorry, too many clients already' } : null;
}

/** A backend of its own on the server: it answers also while its postmaster is stopped. */
function openSession(server: Instance, machine: Machine, client: SimProcess, target: SqlTarget): SqlSession {
  const { network } = server.world;
  const backend = spawnChild(server, `client backend ${target.user} ${target.applicationName}`);
  let lost: string | null = null;
  let ended: (() => void) | null = null;
  const waiting = new Set<(result: SqlResult) => void>();

  function breakOff(why: string): void {
    if (lost !== null) return;
    lost = why;
    for (const settle of [...waiting]) settle({ kind: 'lost', why });
    client.deliver(() => ended?.());
  }
  backend.onEnd(() => {
    if (server.machine.powered())
      network.send(server.machine.name, machine.name, () => breakOff('terminating connection'));
  });
  const hangUp = (): void => {
    if (machine.powered()) network.send(machine.name, server.machine.name, () => backend.exit(0));
  };
  client.onEnd(hangUp);

  return {
    query: (statement: Statement, limitMs: number) =>
      new Promise<SqlResult>((resolve) => {
        if (lost !== null) return resolve({ kind: 'lost', why: lost });
        const settle = (result: SqlResult): void => {
          waiting.delete(settle);
          stopWaiting();
          client.deliver(() => resolve(result));
        };
        waiting.add(settle);
        const stopWaiting = client.after(limitMs, () => {
          if (!waiting.has(settle)) return;
          settle({ kind: 'lost', why: `no answer within ${limitMs} ms` });
          breakOff('given up');
          hangUp();
        });
        network.send(machine.name, server.machine.name, () =>
          backend.deliver(() =>
            answerStatement(server, backend, statement, (result) =>
              network.send(server.machine.name, machine.name, () => waiting.has(settle) && settle(result)),
            ),
          ),
        );
      }),
    close() {
      lost ??= 'closed';
      hangUp();
    },
    onEnd(listener) {
      ended = listener;
      if (lost !== null && lost !== 'closed') client.after(0, listener);
    },
  };
}
