import type { SqlResult, SqlRow, Statement } from '../../model/world.ts';
import type { SimProcess } from '../process.ts';
import type { Instance } from './instance.ts';
import { commit } from './primary.ts';
import { rowsOf } from './wal.ts';

/** A statement's answer, by its name: the simulator reads no SQL. */
export type Answer = (
  server: Instance,
  backend: SimProcess,
  values: readonly (string | number | boolean | null)[],
  reply: (result: SqlResult) => void,
) => void;

export const rows = (...found: readonly SqlRow[]): SqlResult => ({ kind: 'rows', rows: found });
export const failed = (sqlState: string, message: string): SqlResult => ({ kind: 'error', sqlState, message });

const readOnly = failed('25006', 'cannot execute INSERT in a read-only transaction');
const known = new Map<string, Answer>();
export function teach(answers: Readonly<Record<string, Answer>>): void {
  for (const [name, answer] of Object.entries(answers)) known.set(name, answer);
}

export function answerStatement(
  server: Instance,
  backend: SimProcess,
  statement: Statement,
  reply: (result: SqlResult) => void,
): void {
  const answer = known.get(statement.name);
  if (answer === undefined) throw new Error(`the simulated PostgreSQL knows no statement ${statement.name}`);
  backend.after(0.2, () => answer(server, backend, statement.values ?? [], reply));
}

/** What the simulator's own clients ask. */
teach({
  'sim.write'(server, backend, [key, value], reply) {
    if (server.inRecovery) return reply(readOnly);
    const { timeline } = server.wal;
    commit(server, backend, { kind: 'write', key: String(key), value: String(value) }, () =>
      reply(rows({ timeline: String(timeline) })),
    );
  },
  /** The clock is read inside the statement, before its commit: the server was still accepting writes then. */
  'sim.append'(server, backend, [key, value], reply) {
    if (server.inRecovery) return reply(readOnly);
    const row = {
      server_ms: String(server.world.engine.now()),
      timeline: String(server.wal.timeline),
      system_id: server.dir.control()?.systemId ?? null,
    };
    commit(server, backend, { kind: 'write', key: String(key), value: String(value) }, () => reply(rows(row)));
  },
  'sim.read'(server, _backend, [key], reply) {
    const upTo = server.inRecovery ? server.replayed : server.wal.end;
    reply(rows(...rowsOf(server.wal, upTo).flatMap(([name, value]) => (name === key ? [{ value }] : []))));
  },
});
