import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patch, put } from '../../src/api/handlers/config.ts';
import { showConfig } from '../../src/api/handlers/read.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { revision } from '../../src/model/units.ts';
import { cluster, leading, unreachable, withCluster } from '../decide/values.ts';
import { type FakeOptions, fakeAgent } from './handles.ts';

const request = (method: string, body: string | null) => ({ method, path: '/config', query: {}, body });
const holding = (text: string | null): Cluster['config'] =>
  text === null ? null : { text, createRevision: revision(3n), modRevision: revision(55n), lease: null };
const agentWith = (text: string | null, options: FakeOptions = {}) =>
  fakeAgent(withCluster(leading, { config: holding(text) }), options);
const stored = '{"ttl":30,"postgresql":{"parameters":{"max_connections":100,"work_mem":"4MB"}}}';

test('PATCH merges, null removes, and answers the whole', async () => {
  const table: readonly [patch: string, after: string][] = [
    [
      '{"loop_wait": 5}',
      '{"ttl":30,"postgresql":{"parameters":{"max_connections":100,"work_mem":"4MB"}},"loop_wait":5}',
    ],
    ['{"ttl": null}', '{"postgresql":{"parameters":{"max_connections":100,"work_mem":"4MB"}}}'],
    [
      '{"postgresql": {"parameters": {"work_mem": null, "x.y": "ü"}}}',
      '{"ttl":30,"postgresql":{"parameters":{"max_connections":100,"x.y":"\\u00fc"}}}',
    ],
    ['{"postgresql": 5}', '{"ttl":30,"postgresql":5}'],
    [
      '{"slots": {"a": {"type": null}}}',
      '{"ttl":30,"postgresql":{"parameters":{"max_connections":100,"work_mem":"4MB"}},"slots":{"a":{}}}',
    ],
    [
      '{"big": 9007199254740993}',
      '{"ttl":30,"postgresql":{"parameters":{"max_connections":100,"work_mem":"4MB"}},"big":9007199254740993}',
    ],
  ];
  for (const [body, after] of table) {
    const agent = agentWith(stored);
    const reply = await patch(request('PATCH', body), agent);
    assert.equal(reply.kind === 'json' && reply.status, 200, body);
    assert.deepEqual(agent.puts, [{ key: 'config', text: after, seen: 55n }], body);
    assert.deepEqual(agent.wakes, ['config']);
  }
});

test('PATCH that changes nothing writes nothing: scalars are compared as text', async () => {
  for (const body of ['{"ttl": 30}', '{"ttl": "30"}', '{"nosuch": null}', '{"postgresql": {}}']) {
    const agent = agentWith(stored);
    const reply = await patch(request('PATCH', body), agent);
    assert.deepEqual(reply, { kind: 'json', status: 200, value: JSON.parse(stored) });
    assert.deepEqual([agent.puts, agent.wakes], [[], []], body);
  }
});

test('PATCH: whoever wrote meanwhile wins; without a valid configuration there is nothing to merge into', async () => {
  const body = '{"ttl": 31}';
  const status = async (text: string | null, options: FakeOptions = {}): Promise<number | null> => {
    const reply = await patch(request('PATCH', body), agentWith(text, options));
    return reply.kind === 'page' ? reply.status : null;
  };
  assert.equal(await status(stored, { put: { kind: 'refused', why: 'changed' } }), 409);
  assert.equal(await status(stored, { put: { kind: 'unknown', why: 'timeout' } }), 503);
  for (const text of [null, 'garbage', '[1]']) {
    assert.equal(await status(text), 503, String(text));
    const reply = await patch(request('PATCH', body), agentWith(text));
    assert.match(reply.kind === 'page' ? (reply.why ?? '') : '', /PUT \/config with all the settings/);
  }
  assert.equal(await status(stored, { read: () => unreachable(leading).dcs }), 503);
});

test('PUT replaces without compare, echoes, and writes only what differs', async () => {
  const agent = agentWith('garbage');
  const value = { ttl: 40, nested: { a: [1, null] } };
  const reply = await put(request('PUT', JSON.stringify(value)), agent);
  assert.deepEqual(reply, { kind: 'json', status: 200, value });
  assert.deepEqual(agent.puts, [{ key: 'config', text: '{"ttl":40,"nested":{"a":[1,null]}}', seen: 'any' }]);
  const same = agentWith(stored);
  assert.equal((await put(request('PUT', ` ${stored} `), same)).kind, 'json');
  assert.deepEqual([same.puts, same.wakes], [[], []]);
  const failed = agentWith(stored, { put: { kind: 'unreachable', why: 'no endpoint' } });
  assert.deepEqual(await put(request('PUT', '{"ttl": 1}'), failed), { kind: 'page', status: 502 });
});

test('what all members would ignore is refused, by its name, and not written; what they take with a warning is written', async () => {
  const refused: readonly [body: string, why: RegExp][] = [
    ['{"synchronous_mode": "onn"}', /^synchronous_mode: "onn" is not true, false or quorum: all members would ignore/],
    ['{"ttl": "30s", "pause": true}', /^ttl: "30s" is no whole number of seconds, written without a unit/],
    ['{"pause": "perhaps", "loop_wait": 1.5}', /^loop_wait: .*; pause: "perhaps" is not true or false/],
    ['{"failsafe_mode": {}}', /^failsafe_mode: \{\} is not true or false/],
  ];
  for (const [body, why] of refused)
    for (const [method, write] of [
      ['PATCH', patch],
      ['PUT', put],
    ] as const) {
      const agent = agentWith(stored);
      const reply = await write(request(method, body), agent);
      assert.ok(reply.kind === 'page' && reply.status === 400, `${method} ${body}`);
      assert.match(reply.why ?? '', why);
      assert.deepEqual([agent.puts, agent.wakes], [[], []]);
    }
  const emptied = agentWith('{"ttl": 30}');
  const reply = await patch(request('PATCH', '{"ttl": null}'), emptied);
  assert.ok(reply.kind === 'page' && reply.status === 400 && /^an empty document/.test(reply.why ?? ''));
  assert.deepEqual(emptied.puts, []);
  // It mends what was refused before, and was written by hand.
  const garbled = agentWith('{"ttl": 30, "pause": "perhaps"}');
  assert.equal((await patch(request('PATCH', '{"loop_wait": 5}'), garbled)).kind, 'page');
  assert.equal((await patch(request('PATCH', '{"pause": null}'), garbled)).kind, 'json');
  for (const body of [
    '{"ttl": 3}',
    '{"ttl": "0x20"}',
    '{"pause": "ON"}',
    '{"maximum_lag_on_failover": "1MB"}',
    '{"x": 1}',
  ])
    assert.equal((await patch(request('PATCH', body), agentWith(stored))).kind, 'json', body);
});

test('GET answers the document, or 502 where it is missing or no object', async () => {
  assert.deepEqual(await showConfig(agentWith(stored)), { kind: 'json', status: 200, value: JSON.parse(stored) });
  for (const text of [null, 'garbage', '[1]', '5', ''])
    assert.deepEqual(await showConfig(agentWith(text)), { kind: 'page', status: 502 }, String(text));
  const cut = await showConfig(fakeAgent(unreachable(leading)));
  assert.equal(cut.kind === 'page' && cut.status, 503);
  assert.ok(cluster.config !== null);
});
