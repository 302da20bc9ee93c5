import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentProcesses, cpuOf, memoryOf } from '../../src/lab/bench/cost.ts';
import { readMembers } from '../../src/lab/bench/etcd.ts';
import { readServers } from '../../src/lab/bench/haproxy.ts';
import { longestGapMs, quantile, spreadOf } from '../../src/lab/bench/statistics.ts';
import { tableOf } from '../../src/lab/bench/table.ts';
import type { AgentResult, BenchResult, FaultRun } from '../../src/lab/bench/words.ts';
import { readCounts } from '../../src/lab/bench/writers.ts';
import { readWrk } from '../../src/lab/bench/wrk.ts';
import type { Proc } from '../../src/lab/procfs.ts';

test('median and worst, whichever way is better', () => {
  assert.equal(spreadOf([], 'less'), null);
  assert.deepEqual(spreadOf([3, 1, 2], 'less'), { median: 2, worst: 3, count: 3 });
  assert.deepEqual(spreadOf([1, 4], 'more'), { median: 2.5, worst: 1, count: 2 });
  assert.equal(quantile([1, 2, 3, 4, 5], 0.99), 4.96);
});

test('a gap counts when it ends after the fault, and the one under way counts too', () => {
  const acknowledged = [0, 900, 910, 1_200, 1_210];
  assert.equal(longestGapMs(acknowledged, 905, 1_220), 290);
  assert.equal(longestGapMs(acknowledged, 1_205, 1_220), 10);
  assert.equal(longestGapMs(acknowledged, 905, 2_000), 790);
  assert.equal(longestGapMs([], 905, 2_000), null);
});

test("etcd's leader is found with all digits of its id", () => {
  const text = `http://node1:2379, 8211f1d0f64f3269, 3.4.23, 20 kB, false, false, 2, 9, 9, 
http://node2:2379, 91bc3c398fb3c146, 3.4.23, 20 kB, true, false, 2, 9, 9, 
`;
  assert.deepEqual(readMembers(text), [
    { host: 'node1', id: '8211f1d0f64f3269', leads: false },
    { host: 'node2', id: '91bc3c398fb3c146', leads: true },
  ]);
});

test("HAProxy's servers are read from one section, behind the length of a chunk", () => {
  const csv = `9C1\r
# pxname,svname,qcur,status,weight
statistics,FRONTEND,,OPEN,
writes,FRONTEND,,OPEN,
writes,node1,0,UP,1
writes,node2,0,DOWN 1/2,1
writes,BACKEND,0,UP,1
reads,node1,0,DOWN,1
`;
  assert.deepEqual(readServers(csv, 'writes'), { node1: 'UP', node2: 'DOWN 1/2' });
});

test('counts of writes are the last line that the judge prints; split brains are counted among the others', () => {
  const counts = { acknowledged: 9, failed: 1, unknown: 2, lost: 3, doubled: 0 };
  const lines = [
    { law: 1, kind: 'splitBrain' },
    { law: 2, kind: 'lost' },
    { violations: 2, ...counts },
  ];
  assert.deepEqual(readCounts(lines.map((line) => `${JSON.stringify(line)}\n`).join('')), {
    ...counts,
    splitBrains: 1,
  });
  assert.equal(readCounts('cannot read what the server holds'), null);
});

test("an agent is its own processes, guardian, sentinel and what they started, without PostgreSQL's", () => {
  const proc = (pid: number, parent: number, name: string, argv: readonly string[]): Proc => ({
    pid,
    parent,
    name,
    argv,
    state: 'running',
    startTicks: pid,
  });
  const procs = [
    proc(9, 10, 'sleep', ['sleep', '1']),
    proc(10, 1, 'sh', ['sh', '/program/dist/sentinel.sh']),
    proc(11, 10, 'postgres', ['/usr/lib/postgresql/15/bin/postgres', '-D', 'x']),
    proc(12, 11, 'postgres', ['postgres: checkpointer']),
    proc(13, 1, 'node', ['node', 'matriarch', 'agent', '/etc/matriarch.yml']),
    proc(14, 1, 'etcd', ['etcd']),
  ];
  assert.deepEqual(
    agentProcesses(procs, 'matriarch agent /etc/matriarch.yml').map(({ pid }) => pid),
    [13, 10, 9],
  );
});

test('CPU is read behind the name of the process, with what ended children used', () => {
  const fields = ['S', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '100', '20', '3', '7', '20', '0'];
  assert.equal(cpuOf(`77 (node (x) y) ${fields.join(' ')}`), 1.3);
});

test('memory as PSS, and as if nobody else had the files mapped', () => {
  const smaps = (anonymous: number) => `00400000-00500000 r-xp 00000000 fe:00 17                 /usr/bin/node
Size:               1024 kB
Rss:                1000 kB
Pss:                 250 kB
Anonymous:             0 kB
7f0000000000-7f0000100000 rw-p 00000000 00:00 0 
Rss:                ${anonymous} kB
Pss:                ${anonymous} kB
Anonymous:          ${anonymous} kB
`;
  assert.deepEqual(memoryOf([smaps(100), smaps(200)]), { pssMb: 0.8192, aloneMb: 1.3312 });
});

const run = (directMs: number, proxyMs: number): FaultRun => ({
  fault: 'switchover',
  gapMs: { direct: directMs, proxy: proxyMs },
  writes: { acknowledged: 1_000, failed: 1, unknown: 2, lost: 0, doubled: 0, splitBrains: 0 },
});
const load = (perSecond: number) => ({
  requestsPerSecond: perSecond,
  p50Ms: 1,
  p99Ms: 2,
  failed: 0,
  seconds: 5,
  perAgentCpuSecond: 2 * perSecond,
});
const agent = (name: AgentResult['agent'], runs: readonly FaultRun[], perSecond: number): AgentResult => ({
  agent: name,
  version: null,
  rest: [{ node: 'node1', processes: 3, cpuSecondsPerMinute: 0.4, pssMb: 130, aloneMb: 140 }],
  requests: { kept: load(perSecond), new: load(perSecond / 2) },
  runs,
});
const result: BenchResult = {
  options: { agents: ['matriarch', 'patroni'], faults: ['switchover'], times: 2, ttlS: 30, restS: 60, keepLogs: null },
  cores: 2,
  otherLabs: 0,
  agents: [
    agent('matriarch', [run(300, 400), run(200, 700)], 5_000),
    agent('patroni', [run(1_400, 5_000), run(1_600, 4_000)], 1_000),
  ],
};

test('the table shows both, how many times ours is better, and whether the target is reached', () => {
  const lines = tableOf(result)
    .split('\n')
    .map((line) => line.trim().split(/ {3,}/));
  const rows = (name: string) => lines.filter(([first]) => first === name).map((cells) => cells.slice(1));
  const row = (name: string) => rows(name)[0];
  assert.deepEqual(row('switchover'), ['0.25 (0.30) s', '1.50 (1.60) s', '6.0×', '≤ 0.5 s reached']);
  assert.deepEqual(row('memory, PSS'), ['130 MB', '130 MB', '1.0×', '≤ 120 MB missed']);
  assert.deepEqual(rows('a second'), [
    ['5000', '1000', '5.0×', '≥ 10× missed'],
    ['2500', '500', '5.0×'],
  ]);
  assert.ok(tableOf(result).includes('0 / 0 / 4 of 2006'));
});

test('one agent alone is shown without a comparison', () => {
  const alone = tableOf({ ...result, agents: result.agents.slice(0, 1) });
  assert.ok(!alone.includes('patroni'));
  assert.ok(!alone.includes('×  '));
});

test('what wrk prints is read; anything else is not', () => {
  const printed = `Running 5s test @ http://10.77.0.11:8008/primary
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    27.76ms   11.45ms  158.15ms   88.30%
  Latency Distribution
     50%   25.10ms
     75%   30.00ms
     90%   38.36ms
     99%    1.02s 
  9017 requests in 5.01s, 6.51MB read
  Socket errors: connect 0, read 7, write 0, timeout 2
  Non-2xx or 3xx responses: 3
Requests/sec:   1799.62
Transfer/sec:      1.30MB
`;
  assert.deepEqual(readWrk(printed), { requestsPerSecond: 1799.62, p50Ms: 25.1, p99Ms: 1020, failed: 12 });
  assert.equal(readWrk('unable to connect to 10.77.0.11:8008 Connection refused'), null);
});
