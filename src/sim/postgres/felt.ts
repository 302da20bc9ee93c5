import type { Machine } from '../machine.ts';
import type { SimProcess } from '../process.ts';
import { optionOf, readConninfo } from './conf.ts';
import type { Instance, PostgresWorld } from './instance.ts';

/** What a tool was told to connect with. */
export const conninfoOf = (args: readonly string[]) =>
  readConninfo(optionOf(args, '-d', '--dbname') ?? optionOf(args, '--source-server', '--source-server') ?? '');

/**
 * The server behind a connection is gone. Its kernel says so; a host without power, or behind a cut cable, says nothing, for as
 * long as libpq was told to wait.
 */
export function onceFelt(
  { network }: PostgresWorld,
  { name }: Machine,
  self: SimProcess,
  { args, server, felt }: { readonly args: readonly string[]; readonly server: Instance; readonly felt: () => void },
): void {
  const conninfo = conninfoOf(args);
  const told = (word: string, byKernel: number): number => Number(conninfo.get(word) ?? byKernel);
  const seconds = told('keepalives_idle', 7_200) + told('keepalives_interval', 75) * told('keepalives_count', 9);
  if (server.machine.powered() && network.open(server.machine.name, name)) felt();
  else self.after(seconds * 1_000, felt);
}
