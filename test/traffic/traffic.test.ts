import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { History, Observed } from '../../src/model/history.ts';
import { countAppends, judge } from '../../src/model/laws.ts';
import type { Client } from '../../src/traffic/client.ts';
import { readHoldings } from '../../src/traffic/holdings.ts';
import { makeMonitor } from '../../src/traffic/monitor.ts';
import { makeReader } from '../../src/traffic/reader.ts';
import { makeWriter } from '../../src/traffic/writer.ts';
import { outside, until } from './support/outside.ts';
import { makeServer, type Server } from './support/server.ts';

const laws = { fenceMs: 0, loss: { kind: 'none' } } as const;
let primary: Server;
let standby: Server;

before(async () => {
  primary = await makeServer(null);
  primary.start();
  standby = await makeServer(primary);
  standby.start();
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
