import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { History, Observed } from '../../src/model/history.ts';
import { countAppends, judge } from '../../src/model/laws.ts';
import type { Client } from '../../src/traffic/client.ts';
import { readHoldings } from '../../src/traffic/holdings.ts';
import { makeMonitor } from '../../src/traffic/monitor.ts';
import { makeReader } from '../../src/traffic/reader.ts';
import { makeWriter } from '../../src/traffic/writer.ts';
import { bundle } from '../support/bundle.ts';
import { startTraffic } from './support/command.ts';
import { outside, until } from './support/outside.ts';
import { makeServer, type Server } from './support/server.ts';

const laws = { fenceMs: 0, loss: { kind: 'none' } } as const;
let primary: Server;
let standby: Server;
let program: string;

before(async () => {
  primary = await makeServer(null);
  primary.start();
  standby = await makeServer(primary);
  standby.start();
  program = await bundle('bin/matriarch.ts');
});
after(() => {
  standby?.remove();
  primary?.remove();
});

const written = (client: Client): number => client.status().acknowledged;
async function judged(history: readonly Observed[], server: Server, keys: readonly string[]): Promise<History> {
  const held = await readHoldings(outside, server.target, keys);
  assert.ok(held.kind === 'holdings', JSON.stringify(held));
  return [...history, ...held.holdings];
}

test('a writer finds the primary among hosts, and its appends are all there in order', async () => {
  const seen: Observed[] = [];
  const history = { record: (fact: Observed) => void seen.push(fact) };
  const writer = makeWriter(outside, [standby.target, primary.target], { everyMs: 5, key: 'plain', history });
  await until('30 writes', () => written(writer) >= 30);
  const reader = makeReader(outside, [standby.target], { everyMs: 5, key: 'plain', wanted: 'standby' });
  await until('a read on the standby', () => (reader.status().value ?? 0) > 10);
  await Promise.all([writer.stop(), reader.stop()]);
  const { host, failed, unknown, connections } = writer.status();
  assert.deepEqual(
    { host, failed, unknown, connections },
    { host: `127.0.0.1:${primary.port}`, failed: 0, unknown: 0, connections: 1 },
  );
  assert.equal(reader.status().role, 'standby');
  const all = await judged(seen, primary, ['plain']);
  assert.deepEqual(judge(all, laws), []);
  assert.equal(countAppends(all).acknowledged, written(writer));
});

test('a crash is a gap with errors and perhaps one unknown write, and nothing acknowledged is lost', async () => {
  const seen: Observed[] = [];
  const history = { record: (fact: Observed) => void seen.push(fact) };
  const writer = makeWriter(outside, [primary.target], { everyMs: 1, key: 'crash', history });
  await until('20 writes', () => written(writer) >= 20);
  primary.stop('immediate');
  primary.start();
  const before = written(writer);
  await until('writes after the crash', () => written(writer) >= before + 20);
  await writer.stop();
  const { longestGapMs, errors, connections, unknown, failed } = writer.status();
  assert.ok(longestGapMs > 20 && connections === 2, JSON.stringify(writer.status()));
  assert.ok(Object.keys(errors).length > 0 && unknown <= 1 && failed <= 1, JSON.stringify(writer.status()));
  const all = await judged(seen, primary, ['crash']);
  assert.deepEqual(judge(all, laws), []);
  assert.equal(countAppends(all).unknown, unknown);
});

async function ask(text: string, server = primary): Promise<void> {
  const connected = await outside.sql.connect(server.target, 5_000);
  assert.ok(connected.kind === 'connected');
  const result = await connected.session.query({ name: 'test', text }, 5_000);
  connected.session.close();
  assert.ok(result.kind === 'rows', JSON.stringify(result));
}

const times = (text: string, what: RegExp): number => [...text.matchAll(new RegExp(what, 'g'))].length;

test('who may not make the table is told so with a remedy, and once it is there needs no right to make it', async () => {
  await ask('DROP TABLE IF EXISTS public.matriarch_traffic');
  await ask('CREATE ROLE ordinary LOGIN');
  const login = `host=127.0.0.1 port=${primary.port} user=ordinary dbname=postgres`;
  const refused = startTraffic(program, 'write', login);
  const cause =
    /failed \(42501\) to write 1: permission denied for schema public: .*GRANT CREATE ON SCHEMA public TO "ordinary"/;
  await until('the cause', () => cause.test(refused.stdout()), refused.output);
  await outside.clock.sleep(500);
  assert.equal(await refused.end(), 1, refused.output());
  assert.equal(times(refused.stdout(), /to write \d+: permission/), 2, 'at once, and at the end');
  assert.match(refused.stdout(), /nobody ever answered, in \d+\.\d s: /);
  assert.doesNotMatch(refused.output(), /42P01/);

  const making = makeWriter(outside, [primary.target], { everyMs: 5, key: 'made' });
  await until('the table', () => written(making) > 0);
  await making.stop();
  await ask('GRANT SELECT, INSERT ON public.matriarch_traffic TO ordinary');
  await ask('GRANT USAGE ON SEQUENCE public.matriarch_traffic_id_seq TO ordinary');
  const allowed = startTraffic(program, 'write', login);
  await until('a write', () => / wrote 3 /.test(allowed.stdout()), allowed.output);
  assert.equal(await allowed.end(), 0, allowed.output());
  assert.doesNotMatch(allowed.output(), /failed \(|longest gap \d{5}/);
});

test('an outage is told as it begins and ends, and beside what programs read', async () => {
  const text = startTraffic(program, 'write', String(primary.port));
  const json = startTraffic(program, 'read', String(primary.port), '--rate', '20', '--json');
  await until('answers', () => / wrote 3 /.test(text.stdout()) && json.stdout() !== '', text.output);
  primary.stop('immediate');
  const refused = /127\.0\.0\.1:\d+ failed \(unreachable\) to connect: connect ECONNREFUSED/;
  await until('both are told', () => refused.test(text.stdout()) && refused.test(json.stderr()), text.output);
  primary.start();
  const again = /127\.0\.0\.1:\d+ answers again: nobody did for \d+\.\d s/;
  await until('the end of it', () => again.test(text.stdout()) && again.test(json.stderr()), text.output);
  assert.equal(await text.end(), 0, text.output());
  assert.equal(await json.end(), 0, json.output());
  assert.equal(times(text.stdout(), refused), 1, text.stdout());
  const lines = json.stdout().trim().split('\n');
  assert.ok(lines.every((line) => JSON.parse(line).kind === 'read'));
});

test('while nobody ever answers the command says why, counts the gap, and ends with 1', async () => {
  const dead = startTraffic(program, 'write', '127.0.0.1:1', '--json');
  await until('the error', () => /failed \(unreachable\) to connect: .*ECONNREFUSED/.test(dead.stderr()), dead.output);
  await outside.clock.sleep(300);
  assert.equal(await dead.end(), 1);
  assert.match(dead.stderr(), /nobody ever answered, in \d+\.\d s: 127\.0\.0\.1:1 failed/);
  const { acknowledged, longestGapMs } = JSON.parse(dead.stdout().trim().split('\n').at(-1) ?? '');
  assert.ok(acknowledged === 0 && longestGapMs >= 300, dead.stdout());
  const waiting = startTraffic(program, 'write', String(standby.port), '--quiet');
  await until('the standby', () => /is a standby: a primary is waited for/.test(waiting.stderr()), waiting.output);
  assert.equal(await waiting.end(), 1);
  assert.match(waiting.stdout(), /^0 written, 0 failed, 0 unknown\nlongest gap \d{4} ms/);
});

test('a second Ctrl-C gives up a statement that hangs, and its write counts as unknown', async () => {
  const hung = startTraffic(program, 'write', String(primary.port), '--limit-ms', '60000');
  await until('answers', () => / wrote 3 /.test(hung.stdout()), hung.output);
  const locker = await outside.sql.connect(primary.target, 5_000);
  assert.ok(locker.kind === 'connected');
  try {
    const text = 'BEGIN; LOCK TABLE public.matriarch_traffic';
    assert.equal((await locker.session.query({ name: 'test', text }, 5_000)).kind, 'rows');
    await outside.clock.sleep(300);
    hung.interrupt();
    await until('it says what it waits for', () => /Ctrl-C again ends at once/.test(hung.stderr()), hung.output);
    const fromMs = outside.clock.now();
    assert.equal(await hung.end(), 0, hung.output());
    assert.ok(outside.clock.now() - fromMs < 5_000);
  } finally {
    locker.session.close();
  }
  assert.match(hung.stdout(), /\n[1-9]\d* written, 0 failed, 1 unknown\n/);
  assert.match(hung.stdout(), /nobody answers any more, for .*127\.0\.0\.1:\d+ has not answered a statement yet/);
});

test('a key that is in use already is refused, whether the table has it or the history', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'matriarch-keys-'));
  try {
    const history = join(folder, 'seen.jsonl');
    const flags = [String(primary.port), '--key', 'once', '--history', history];
    const first = startTraffic(program, 'write', ...flags);
    await until('writes', () => / wrote 3 /.test(first.stdout()), first.output);
    assert.equal(await first.end(), 0);
    const size = statSync(history).size;
    const again = startTraffic(program, 'write', ...flags);
    assert.equal(await again.exited, 2, again.output());
    assert.match(again.stderr(), /^Error: the key once is in use already, in .*seen\.jsonl: take a new one/);
    const elsewhere = startTraffic(program, 'write', ...flags.slice(0, 3));
    assert.equal(await elsewhere.exited, 2, elsewhere.output());
    assert.match(elsewhere.stderr(), /^Error: the key once is in use already, in public\.matriarch_traffic: /);
    assert.equal(statSync(history).size, size);

    const alone = startTraffic(program, 'judge', history);
    assert.equal(await alone.exited, 0, alone.output());
    assert.equal(JSON.parse(alone.stdout()).lost, null);
    assert.match(alone.stderr(), /lost, doubled and reordered are not known: no server was asked/);
    const compared = startTraffic(program, 'judge', history, '--held-by', String(primary.port));
    assert.equal(await compared.exited, 0, compared.output());
    const { lost, doubled, violations } = JSON.parse(compared.stdout());
    assert.deepEqual({ lost, doubled, violations }, { lost: 0, doubled: 0, violations: 0 });
    assert.equal(compared.stderr(), '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a history that is none, or cannot be read or written, is a plain error', async () => {
  const wrong = [
    [['judge', '/dev/null'], /^Error: \/dev\/null holds no history: wanted is .*\n$/],
    [['judge', '/nope/x'], /^Error: cannot read the history \/nope\/x: ENOENT.*\n$/],
    [
      ['write', String(primary.port), '--history', '/nope/x'],
      /^Error: cannot write the history \/nope\/x: ENOENT.*\n$/,
    ],
  ] as const;
  for (const [args, error] of wrong) {
    const command = startTraffic(program, ...args);
    assert.equal(await command.exited, 2, command.output());
    assert.match(command.stderr(), error);
    assert.equal(command.stdout(), '');
  }
});

test('the help says where others can see a password', async () => {
  for (const kind of ['write', 'read', 'judge']) {
    const help = startTraffic(program, kind, '--help');
    assert.equal(await help.exited, 0);
    assert.match(help.stdout(), /PGPASSWORD, ~\/\.pgpass or passfile=; in the connection string others can see it/);
  }
});

test('monitors see a split brain in which no other client takes part', async () => {
  const seen: Observed[] = [];
  const history = { record: (fact: Observed) => void seen.push(fact) };
  const monitors = [
    makeMonitor(outside, primary.socketTarget, { node: 'node1', run: '1', everyMs: 5, history }),
    makeMonitor(outside, standby.socketTarget, { node: 'node2', run: '1', everyMs: 5, history }),
  ];
  const [first, second] = monitors;
  assert.ok(first !== undefined && second !== undefined);
  await until('the primary is watched', () => written(first) >= 20);
  assert.equal(second.status().acknowledged, 0);
  assert.deepEqual(second.status().errors, {}, 'a standby is asked without errors');
  assert.deepEqual(judge(seen, laws), []);

  standby.promote();
  await until('the new one accepts', () => written(second) >= 10);
  const since = written(first);
  await until('the old one goes on', () => written(first) >= since + 10);
  primary.stop('fast');
  await until('the new one goes on', () => written(second) >= 40);
  await Promise.all(monitors.map((monitor) => monitor.stop()));

  const violations = judge(seen, laws);
  assert.equal(violations.length, 1);
  assert.ok(violations[0]?.kind === 'splitBrain' && violations[0].overlapMs > 0);
  assert.deepEqual(
    violations[0].reigns.map(({ node, timeline }) => [node, timeline]),
    [
      ['node1', 1],
      ['node2', 2],
    ],
  );
});
