import type { SqlTarget } from '../model/world.ts';
import type { Client } from './client.ts';
import { makeRoleLog } from './roleLog.ts';
import type { Outside } from './seek.ts';
import { type HistorySink, makeWriter } from './writer.ts';

export interface MonitorOptions {
  readonly node: string;
  /** Tells the runs of a monitor apart: each has a key of its own. */
  readonly run: string;
  readonly everyMs?: number;
  readonly history: HistorySink;
}

/**
 * The witness of split brain: writes to its own node only, from inside its machine over the socket, so that it sees also
 * what the network hides. While the node is a standby it only asks for the role, which costs the server no log line.
 *
 * It waits long for an answer on purpose: a server that freezes and thaws must not find its witness gone. Its commits do
 * not wait for the disk: whether they survive is not the question, only that they were acknowledged.
 */
export function makeMonitor(outside: Outside, target: SqlTarget, options: MonitorOptions): Client {
  const roles = makeRoleLog(options.node, outside.clock, options.history);
  return makeWriter(outside, [{ ...target, options: `${target.options ?? ''} -c synchronous_commit=off`.trim() }], {
    everyMs: options.everyMs ?? 10,
    retryMs: options.everyMs ?? 10,
    limitMs: 300_000,
    connectLimitMs: 2000,
    askTimesMax: Number.POSITIVE_INFINITY,
    key: `monitor/${options.node}/${options.run}`,
    client: `monitor/${options.node}`,
    node: options.node,
    history: options.history,
    recordAttempts: false,
    sawRole: roles.saw,
    onServed: ({ outcome }) => {
      if (outcome === 'acknowledged') roles.saw('primary');
    },
  });
}
