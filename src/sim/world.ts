import type { World } from '../model/world.ts';
import type { SimulatedEtcd } from './etcd/etcd.ts';
import { makeSimulatedTransport } from './etcd/transport.ts';
import { makeFiles } from './files.ts';
import { type HttpRoutes, makeHttp } from './http.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { PostgresWorld } from './postgres/instance.ts';
import { makeSql } from './postgres/sessions.ts';
import type { SimProcess } from './process.ts';
import { makeClock } from './processClock.ts';
import { makeProcesses } from './processes.ts';
import { makeSockets } from './sockets.ts';

/** What all machines of a run share. */
export interface Surroundings {
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  readonly postgres: PostgresWorld;
  readonly http: HttpRoutes;
}

/** The World of one process: with its death nothing more comes out of it, and while it is stopped nothing does yet. */
export function makeWorld({ network, etcd, postgres, http }: Surroundings, machine: Machine, self: SimProcess): World {
  return {
    clock: makeClock(machine, self),
    chance: machine.chance.fork(`process ${self.pid}`),
    etcd: makeSimulatedTransport(etcd, network, machine, self),
    http: makeHttp(http, network, machine, self),
    files: makeFiles(machine, self),
    processes: makeProcesses(machine, self),
    sql: makeSql(postgres, machine, self),
    sockets: makeSockets(machine, self),
  };
}
