import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchSource } from '../../../src/agent/postgres/jobs/watchSource.ts';
import type { PostgresParts } from '../../../src/agent/postgres/parts.ts';
import type { Sql } from '../../../src/model/world.ts';
import { settings } from '../../decide/settings.ts';

/** The lines of a pg_basebackup of PostgreSQL 15, as it told them. */
const begins = 'pg_basebackup: initiating base backup, waiting for checkpoint to complete';
const copies = '      5543/23011 kB (24%), 0/1 tablespace (/data/base/1/1255                 )';
const through = 'pg_basebackup: waiting for background process to finish streaming ...';
const flushes = 'pg_basebackup: syncing data to disk ...';

/** A watch whose looks come when they are asked for. */
function watching(lines: readonly string[], server: { answers: boolean }) {
  const waits: (() => void)[] = [];
  const connect: Sql['connect'] = () =>
    Promise.resolve(
      server.answers
        ? { kind: 'rejected', sqlState: '53300', message: 'sorry, too many clients already' }
        : { kind: 'unreachable', why: 'timeout' },
    );
  const sleep = () => new Promise<void>((resolve) => void waits.push(resolve));
  const parts = { world: { clock: { sleep }, sql: { connect } }, settings: () => settings('n2') };
  const job = new AbortController();
  const upstream = { member: 'n1', host: 'n1', port: 5432, slot: null };
  const watch = watchSource(parts as unknown as PostgresParts, { signal: job.signal }, upstream);
  for (const line of lines) watch.heard(line);
  async function looks(count: number): Promise<string | null> {
    for (let at = 0; at < count; at += 1) {
      waits.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return watch.givenUp();
  }
  return { watch, looks, job };
}

test('nothing is heard, and its server does not answer: a minute, whatever the phase; not while the disk here is at work alone', async () => {
  for (const lines of [[begins], [begins, copies], [begins, copies, through]]) {
    const { looks, watch } = watching(lines, { answers: false });
    assert.equal(await looks(5), null);
    assert.match((await looks(1)) ?? '', /no byte came for 60 s, and its server does not answer/);
    assert.ok(watch.signal.aborted);
  }
  const { looks } = watching([begins, copies, through, flushes], { answers: false });
  assert.equal(await looks(1_000), null);
});

test('its server answers: only what comes all the time is missed, after five minutes; a checkpoint and the last WAL may take long', async () => {
  const { looks } = watching([begins, copies], { answers: true });
  assert.equal(await looks(29), null);
  assert.match((await looks(1)) ?? '', /no byte came for 300 s, though its server answers/);
  for (const lines of [[begins], [begins, copies, through]])
    assert.equal(await watching(lines, { answers: true }).looks(1_000), null);
});

test('a line, or an answer between, begins the count anew; who cancels the job ends the tool, and nothing was given up', async () => {
  const server = { answers: false };
  const { looks, watch, job } = watching([begins, copies], server);
  await looks(5);
  watch.heard(copies);
  assert.equal(await looks(5), null);
  server.answers = true;
  await looks(1);
  server.answers = false;
  assert.equal(await looks(4), null);
  job.abort();
  assert.ok(watch.signal.aborted);
  assert.equal(watch.givenUp(), null);
});
