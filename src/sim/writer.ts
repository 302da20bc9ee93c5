import type { Write } from '../model/history.ts';
import type { SqlSession, World } from '../model/world.ts';
import type { Program, SimProcess } from './process.ts';

export interface WriterParts {
  /** The World of the writer's own process, on the node it writes to. */
  readonly worldOf: (self: SimProcess) => World;
  readonly node: string;
  readonly port: number;
  readonly everyMs: number;
  /** True time of the run: the one clock that orders what different nodes did. */
  readonly nowMs: () => number;
  /** Asked until it says yes. */
  readonly mayBegin: () => boolean;
  /** What was sent, unknown so far: the power may be cut, or the run be over, before there is an answer. Null: no event after all. */
  sent(write: Write): (answered: Write | null) => void;
}

/**
 * Appends 1, 2, 3, … to one node's PostgreSQL over its socket, whoever is primary: it sees also what is cut off from all
 * others. What a standby refuses is no event.
 */
export const writerProgram =
  (parts: WriterParts): Program =>
  (self) => {
    const world = parts.worldOf(self);
    let session: SqlSession | null = null;
    let value = 0;
    // A writer that comes back after a power cut begins at 1 again: under a key of its own.
    const key = `${parts.node}-${self.pid}`;

    async function connect(): Promise<SqlSession | null> {
      const made = await world.sql.connect(
        {
          host: '/tmp',
          port: parts.port,
          user: 'writer',
          password: null,
          database: 'postgres',
          ssl: {},
          applicationName: 'writer',
        },
        1000,
      );
      if (made.kind !== 'connected') return null;
      made.session.onEnd(() => {
        session = null;
      });
      return made.session;
    }

    async function append(to: SqlSession): Promise<void> {
      value += 1;
      const unknown: Write = {
        kind: 'write',
        outcome: 'unknown',
        client: `writer-${parts.node}`,
        key,
        value,
        sentMs: parts.nowMs(),
        endedMs: null,
        node: null,
        serverMs: null,
        timeline: null,
        systemId: null,
        error: null,
      };
      const settle = parts.sent(unknown);
      const result = await to.query({ name: 'sim.append', text: '', values: [key, value] }, 5000);
      if (result.kind === 'error' && result.sqlState === '25006') return settle(null);
      const row = result.kind === 'rows' ? result.rows[0] : undefined;
      settle({
        ...unknown,
        outcome: row !== undefined ? 'acknowledged' : result.kind === 'error' ? 'failed' : 'unknown',
        endedMs: parts.nowMs(),
        node: row === undefined ? null : parts.node,
        serverMs: row === undefined ? null : Number(row.server_ms),
        timeline: row === undefined ? null : Number(row.timeline),
        systemId: row?.system_id ?? null,
        error: result.kind === 'error' ? result.sqlState : result.kind === 'lost' ? 'lost' : null,
      });
      if (result.kind === 'lost') session = null;
    }

    async function write(): Promise<void> {
      while (!parts.mayBegin()) await world.clock.sleep(100);
      for (;;) {
        session ??= await connect();
        if (session !== null) await append(session);
        // Not our clock but a client's usual one: it goes on where it was, as soon as its machine does.
        await new Promise<void>((resolve) => void self.after(parts.everyMs, resolve));
      }
    }
    void write();
  };
