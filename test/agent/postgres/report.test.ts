import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readReport } from '../../../src/codec/report.ts';
import type { RepairReport } from '../../../src/model/report.ts';
import type { ReportSettings } from '../../../src/model/settings.ts';
import { timeline } from '../../../src/model/units.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast, type TestNode, world } from './node.ts';
import { done, streams, until } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

const folderOf = ({ settings }: TestNode): string => `${settings.local.stateDir}/reports`;
const files = (node: TestNode): readonly string[] =>
  existsSync(folderOf(node)) ? readdirSync(folderOf(node)).filter((name) => name.endsWith('.json')) : [];
const reportAt = (node: TestNode, name: string): RepairReport =>
  readReport(readFileSync(`${folderOf(node)}/${name}`, 'utf8')) ?? assert.fail(`${name} is no report`);
const lastReport = (node: TestNode): RepairReport =>
  reportAt(node, files(node).toSorted().at(-1) ?? assert.fail('there is no report'));
const keepWith = (node: TestNode, change: Partial<ReportSettings>): void =>
  void Object.assign(node.settings.local.reports, change);
const isSegment = (name: string): boolean => /^[0-9A-F]{24}$/.test(name);
const waldump = (args: readonly string[]): string =>
  execFileSync('/usr/lib/postgresql/15/bin/pg_waldump', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

describe('what a repair throws away is written down and kept', () => {
  const folder = makeFolder();
  const nodes = [makeNode(folder.path, 'n1', 19_462), makeNode(folder.path, 'n2', 19_463)] as const;
  let [leader, old]: readonly TestNode[] = [nodes[1], nodes[0]];
  let id = 1;
  after(async () => {
    for (const node of nodes) await node.end();
    folder.remove();
  });

  /** `leader` goes on alone by this SQL and dies; the other takes over without it, and the two change places. */
  async function part(alone: readonly string[]): Promise<void> {
    [leader, old] = [old as TestNode, leader as TestNode];
    await streams(leader);
    await done(leader.perform({ kind: 'follow', upstream: null }));
    await until(
      leader,
      (seen) => seen.kind === 'running' && seen.role === 'standby' && seen.receiver === null,
      'alone',
    );
    for (const text of alone) await old.sql(text);
    const seen = await old.postgres.look();
    assert.ok(seen.kind === 'running');
    world.processes.signal(seen.pid, 'KILL');
    await done(leader.perform({ kind: 'promote', premise: noPremise, mine: timeline(id), taken: timeline(id) }));
    id += 1;
    await done(leader.perform({ kind: 'checkpoint' }));
    await until(old, ({ kind }) => kind === 'stopped', 'is down');
    await done(old.perform({ kind: 'clearOrphans' }));
    await done(old.perform({ kind: 'crashRecovery' }));
  }
  const rewind = (more = {}) =>
    (old as TestNode).perform({ kind: 'rewind', from: (leader as TestNode).upstream(), premise: noPremise }, more);
  const follow = () => (old as TestNode).perform({ kind: 'startStandby', upstream: (leader as TestNode).upstream() });

  test('rows in a table that no other server has: the report names it, counts its transactions, and their WAL can be read', async () => {
    const [n1, n2] = nodes;
    for (const { settings } of nodes) Object.assign(settings.postgres.parameters, { autovacuum: 'off' });
    await done(n1.perform({ kind: 'bootstrap' }));
    await n1.sql('CREATE TABLE public.orders (a int PRIMARY KEY, b text)');
    await n1.sql("INSERT INTO public.orders SELECT a, 'both have it' FROM generate_series(1, 10) AS a");
    await n1.sql('CREATE TABLE public.spared AS SELECT 1 AS a');
    await done(n2.perform({ kind: 'clone', from: n1.upstream(), premise: noPremise }));
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await world.clock.sleep(300);
    [leader, old] = [n1, n2];
    await part([
      "INSERT INTO public.orders SELECT a, 'only here' FROM generate_series(11, 15) AS a",
      "UPDATE public.orders SET b = 'changed' WHERE a IN (1, 2)",
      'DELETE FROM public.orders WHERE a = 3',
      'DO $$ BEGIN INSERT INTO public.orders VALUES (99); RAISE EXCEPTION $a$x$a$; EXCEPTION WHEN OTHERS THEN NULL; END $$',
      "CREATE TABLE public.made AS SELECT 'only here' AS a FROM generate_series(1, 3)",
    ]);
    assert.equal(old, n1);
    await done(rewind());
    const report = lastReport(old);
    assert.deepEqual([report.state, report.deed, report.outcome, report.leader], ['done', 'rewind', 'rewound', 'n2']);
    assert.equal(report.why.rule, 'rejoin.stopped');
    const orders = report.tables.find(({ name }) => name === 'public.orders');
    assert.deepEqual(
      [orders?.database, orders?.inserted, orders?.updated, orders?.deleted],
      ['postgres', 5, 2, 1],
      JSON.stringify(report.tables),
    );
    assert.ok(!report.tables.some(({ name }) => name === 'public.spared'));
    const made = report.tables.find(({ name, inserted }) => name === null && inserted === 3);
    assert.match(made?.file ?? '', /^1663\/5\/\d+$/, JSON.stringify(report.tables));
    assert.match(report.namesUnknown ?? '', /made, or written anew, beyond the fork/);
    assert.equal(report.transactions.count, 5);
    assert.match(report.transactions.last ?? '', /^\d{4}-\d\d-\d\d /);
    assert.equal(report.cutShort, null);
    assert.ok(report.bytes > 500 && report.fork.timeline === 1 && report.end.timeline === 1);
    assert.deepEqual([report.wal.kept, report.wal.why], ['whole', null]);
    const { wal, fork } = report;
    assert.equal(statSync(wal.folder).mode & 0o777, 0o700);
    for (const name of wal.files) assert.equal(statSync(`${wal.folder}/${name}`).mode & 0o777, 0o600);
    const dumped = waldumpToEnd(['--path', wal.folder, '--timeline', String(fork.timeline), '--start', fork.lsn]);
    assert.equal(dumped.match(/desc: COMMIT /g)?.length, 5);
    assert.ok(dumped.includes(`rel ${orders?.file} blk`));
    await done(follow());
    await streams(old);
  });

  test('a rewind that is begun again takes up the report of the first try', async () => {
    await part(["INSERT INTO public.orders VALUES (20, 'x')"]);
    const before = files(old as TestNode).length;
    const refused = await rewind({ premise: () => Promise.resolve('nobody leads any more') });
    assert.match(refused.error ?? '', /nobody leads any more/);
    const first = lastReport(old as TestNode);
    assert.deepEqual([first.state, first.outcome, first.transactions.count], ['prepared', null, 1]);
    await done(rewind());
    assert.equal(files(old as TestNode).length, before + 1);
    assert.deepEqual(lastReport(old as TestNode), { ...first, state: 'done', outcome: 'rewound' });
    assert.equal((old as TestNode).reports.giveWay().at(-1)?.id, first.id, 'its job is over: it may go like any other');
    await done(follow());
    await streams(old as TestNode);
  });

  test('no room for the WAL: the repair waits for it, can be cancelled, and goes on without after its time', async () => {
    const node = nodes[0];
    await part(["INSERT INTO public.orders VALUES (30, 'x')"]);
    keepWith(old as TestNode, { walBytesMax: 1_000, roomPatienceMs: 600_000 });
    const abort = new AbortController();
    const said: string[] = [];
    const waiting = rewind({ signal: abort.signal, progress: (text: string) => void said.push(text) });
    await until(node, () => said.some((text) => /waits for room/.test(text)), 'waits');
    abort.abort();
    assert.equal((await waiting).ended, 'cancelled');
    assert.deepEqual([lastReport(old as TestNode).state, lastReport(old as TestNode).wal.kept], ['prepared', 'none']);
    keepWith(old as TestNode, { roomPatienceMs: 0 });
    await done(rewind());
    const report = lastReport(old as TestNode);
    assert.deepEqual([report.state, report.transactions.count], ['done', 1]);
    assert.match(report.wal.why ?? '', /it takes \d+ bytes, and \d+ are left by matriarch\.reports\.max_size_mb/);
    assert.ok(!report.wal.files.some((name) => /^[0-9A-F]{24}$/.test(name)));
    keepWith(old as TestNode, { walBytesMax: 2_147_483_648, roomPatienceMs: 3_600_000 });
    await done(follow());
    await streams(old as TestNode);
  });

  test('emptied for a fresh copy: reported as well, older WAL gives way; and nothing is, where nothing is thrown away', async () => {
    await part(["INSERT INTO public.orders VALUES (40, 'x')"]);
    const older = lastReport(old as TestNode);
    assert.ok(older.wal.kept === 'whole' && older.wal.bytes > 2 * 16_777_216, JSON.stringify(older.wal));
    keepWith(old as TestNode, { walBytesMax: 2.5 * 16_777_216, roomPatienceMs: 0 });
    const source = (leader as TestNode).upstream();
    const removal = { kind: 'removeData', why: 'test', premise: noPremise, force: true, leader: source } as const;
    await done((old as TestNode).perform(removal));
    const report = lastReport(old as TestNode);
    assert.deepEqual([report.deed, report.state, report.outcome], ['removal', 'done', 'removed']);
    assert.equal(report.tables.find(({ name }) => name === 'public.orders')?.inserted, 1);
    assert.deepEqual([report.wal.kept, report.wal.why], ['whole', null], JSON.stringify(older.wal));
    const given = reportAt(old as TestNode, `${older.id}.json`);
    assert.equal(given.wal.kept, 'removed');
    assert.match(
      given.wal.why ?? '',
      /^a newer report needed room: it takes \d+ bytes, and -?\d+ are left by matriarch/,
    );
    assert.ok(!existsSync(older.wal.folder));
    const { dataDir } = (old as TestNode).settings.local.postgres;
    assert.deepEqual(existsSync(dataDir) ? readdirSync(dataDir) : [], []);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    await done((old as TestNode).perform({ kind: 'clone', from: source, premise: noPremise }));
    await done(follow());
    await streams(old as TestNode);
    const before = files(old as TestNode).length;
    await done((old as TestNode).perform(stopFast));
    await done((old as TestNode).perform(removal));
    assert.equal(files(old as TestNode).length, before);
    await done((old as TestNode).perform({ kind: 'clone', from: source, premise: noPremise }));
    await done(follow());
    await streams(old as TestNode);
  });

  test('half a rewind took WAL away, and a fresh copy is asked for: what was kept before that stays', async () => {
    await part(["INSERT INTO public.orders VALUES (25, 'x')", 'SELECT pg_switch_wal()', 'SELECT txid_current()']);
    const node = old as TestNode;
    const { dataDir } = node.settings.local.postgres;
    await node.reports.removeWal(node.reports.giveWay(), 'test');
    keepWith(node, { walBytesMax: 40_000_000, roomPatienceMs: 0 });
    await rewind({ premise: () => Promise.resolve('nobody leads any more') });
    const first = lastReport(node);
    assert.ok(first.wal.kept === 'partly' && first.wal.files.some(isSegment), JSON.stringify(first.wal));
    for (const name of readdirSync(`${dataDir}/pg_wal`).filter(isSegment)) rmSync(`${dataDir}/pg_wal/${name}`);
    writeFileSync(`${node.settings.local.stateDir}/job.json`, '{"left":"rewind"}\n');
    const source = (leader as TestNode).upstream();
    const removal = {
      kind: 'removeData',
      why: 'reinitialize',
      premise: noPremise,
      force: true,
      leader: source,
    } as const;
    await done(node.perform(removal));
    assert.deepEqual(lastReport(node), { ...first, deed: 'removal', state: 'done', outcome: 'removed' });
    for (const name of first.wal.files) assert.ok(existsSync(`${first.wal.folder}/${name}`), name);
  });
});

/** It ends with an error where the WAL does: what it said before is what counts. */
function waldumpToEnd(args: readonly string[]): string {
  try {
    return waldump(args);
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? '');
  }
}
