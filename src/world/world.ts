import type { EtcdTransport, World } from '../model/world.ts';
import { makeChance } from './chance.ts';
import { makeClock } from './clock.ts';
import { makeFiles } from './files.ts';
import { type HttpOptions, makeHttp } from './http.ts';
import { makeProcesses } from './processes.ts';
import { makeSockets } from './sockets.ts';
import { makeSql } from './sql.ts';

export interface WorldOptions {
  readonly etcd: EtcdTransport;
  /** How other agents are asked; a function where that may change. */
  readonly http?: HttpOptions | (() => HttpOptions);
}

/** The real world. */
export const makeWorld = ({ etcd, http }: WorldOptions): World => ({
  clock: makeClock(),
  chance: makeChance(),
  etcd,
  http: makeHttp(http),
  files: makeFiles(),
  processes: makeProcesses(),
  sql: makeSql(),
  sockets: makeSockets(),
});
