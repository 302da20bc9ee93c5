import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLast } from '../../../src/agent/postgres/sessions.ts';
import { resumeReplay } from '../../../src/agent/postgres/statements.ts';
import { instantMs } from '../../../src/model/units.ts';
import type { Clock, SqlResult, SqlSession, SqlTarget } from '../../../src/model/world.ts';

const target: SqlTarget = {
  host: 'h',
  port: 1,
  user: 'u',
  password: null,
  database: 'd',
  ssl: {},
  applicationName: 'a',
};

/** A server that answers so, after a while. */
function asked(result: SqlResult, tookMs: number) {
  let nowMs = 0;
  const clock = { now: () => instantMs(nowMs) } as Clock;
  const session: SqlSession = {
    query() {
      nowMs += tookMs;
      return Promise.resolve(result);
    },
    close() {},
    onEnd() {},
  };
  const sql = { connect: () => Promise.resolve({ kind: 'connected', session } as const) };
  return runLast({ sql, clock }, target, resumeReplay, 1_000);
}

test('a server that ends by what it is asked has heard it, with an answer or without; one that is silent has not', async () => {
  assert.equal((await asked({ kind: 'rows', rows: [] }, 5)).kind, 'done');
  assert.equal((await asked({ kind: 'lost', why: 'terminating connection' }, 5)).kind, 'done');
  assert.deepEqual(await asked({ kind: 'lost', why: 'no answer in 1000 ms' }, 1_000), {
    kind: 'failed',
    why: 'no answer in 1000 ms',
  });
  assert.equal(
    (await asked({ kind: 'error', sqlState: '55000', message: 'recovery is not in progress' }, 5)).kind,
    'failed',
  );
});
