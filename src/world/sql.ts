import { Socket } from 'node:net';
import pg from 'pg';
import type { Sql, SqlResult, SqlRow, SqlSession, SqlTarget, Statement } from '../model/world.ts';
import { whyOf } from './failure.ts';
import { attemptsOf, type Encryption, encryptionOf } from './sqlTls.ts';

type Connected = Awaited<ReturnType<Sql['connect']>>;

/** How long a connection that was told goodbye may take before it is cut. */
const goodbyeMs = 1_000;

/** Single connections that stay dead when they die. Every value comes as PostgreSQL's text. */
export function makeSql(): Sql {
  return {
    async connect(target, limitMs) {
      const endMs = performance.now() + limitMs;
      let answer: Connected = { kind: 'unreachable', why: `no answer in ${limitMs} ms` };
      for (const attempt of attemptsOf(target)) {
        const leftMs = endMs - performance.now();
        if (leftMs <= 0) return answer;
        answer = await connectOnce(target, attempt, leftMs);
        if (answer.kind === 'connected' || !worthTheOther(answer)) return answer;
      }
      return answer;
    },
  };
}

/** With prefer and allow: the server has no TLS, or pg_hba.conf wants the other kind. */
const worthTheOther = (answer: Exclude<Connected, { kind: 'connected' }>): boolean =>
  answer.kind === 'rejected' ? answer.sqlState === '28000' : /SSL|TLS|certificate/i.test(answer.why);

async function connectOnce(target: SqlTarget, encryption: Encryption, limitMs: number): Promise<Connected> {
  let client: pg.Client;
  const socket = new Socket();
  try {
    client = new pg.Client({
      stream: () => socket,
      host: target.host,
      port: target.port,
      user: target.user,
      database: target.database,
      // A function, since without a password the driver would look for one in the environment and in ~/.pgpass.
      password: () => target.password ?? '',
      ssl: await encryptionOf(target, encryption),
      application_name: target.applicationName,
      options: `-c search_path=pg_catalog ${target.options ?? ''}`.trim(),
      ...(target.replication === true ? { replication: 'true' } : {}),
      connectionTimeoutMillis: Math.max(Math.ceil(limitMs), 1),
      keepAlive: true,
      types: { getTypeParser: () => (value: unknown) => value },
    });
  } catch (error) {
    return { kind: 'unreachable', why: whyOf(error) }; // a certificate file that cannot be read
  }
  const end = endOf(client, socket);
  // The driver's own limit counts from its start; this one holds whatever it does.
  const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${Math.round(limitMs)} ms`)), limitMs);
  try {
    await client.connect();
    return { kind: 'connected', session: sessionOf(client, socket, end) };
  } catch (error) {
    socket.destroy();
    const refusal = refusalOf(error);
    return refusal === null ? { kind: 'unreachable', why: whyOf(error) } : { kind: 'rejected', ...refusal };
  } finally {
    clearTimeout(timer);
  }
}

/** What the server said, or what the driver found about a password before it could. */
function refusalOf(error: unknown): { readonly sqlState: string; readonly message: string } | null {
  if (error instanceof pg.DatabaseError) return { sqlState: error.code ?? 'XX000', message: error.message };
  const message = whyOf(error);
  return message.startsWith('SASL:') ? { sqlState: '28P01', message } : null;
}

interface End {
  readonly has: () => string | null;
  readonly on: (ended: () => void) => void;
}

function endOf(client: pg.Client, socket: Socket): End {
  let why: string | null = null;
  let last: string | null = null;
  const listeners: (() => void)[] = [];
  // Without a listener an error of an idle connection would end this process.
  client.on('error', (error) => {
    last = whyOf(error);
  });
  socket.once('close', () => {
    why = last ?? 'the connection ended';
    for (const ended of listeners.splice(0)) ended();
  });
  return {
    has: () => why,
    on: (ended) => void (why === null ? listeners.push(ended) : setImmediate(ended)),
  };
}

function sessionOf(client: pg.Client, socket: Socket, end: End): SqlSession {
  return {
    query: (statement, limitMs) =>
      new Promise<SqlResult>((resolve) => {
        const gone = end.has();
        if (gone !== null) return resolve({ kind: 'lost', why: gone });
        const timer = setTimeout(() => {
          resolve({ kind: 'lost', why: `${statement.name}: no answer in ${limitMs} ms` });
          // The server runs on and the connection stays blocked behind it.
          socket.destroy();
        }, limitMs);
        void ask(client, statement).then((result) => {
          clearTimeout(timer);
          resolve(result);
        });
      }),
    close() {
      client.end().catch(() => undefined);
      setTimeout(() => socket.destroy(), goodbyeMs).unref();
    },
    onEnd: end.on,
  };
}

async function ask(client: pg.Client, { text, values }: Statement): Promise<SqlResult> {
  try {
    // Without values the simple protocol is used: the only one that a replication connection knows.
    const answers =
      values === undefined ? await client.query<SqlRow>(text) : await client.query<SqlRow>(text, [...values]);
    const answer = [answers].flat().at(-1);
    return { kind: 'rows', rows: answer?.rows ?? [] };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) return { kind: 'lost', why: whyOf(error) };
    if (error.severity === 'FATAL' || error.severity === 'PANIC') return { kind: 'lost', why: error.message };
    return { kind: 'error', sqlState: error.code ?? 'XX000', message: error.message };
  }
}
