import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeAlbum } from '../../src/lab/album.ts';
import { assemble, type Known } from '../../src/lab/live/assemble.ts';
import { readDeed } from '../../src/lab/live/deed.ts';
import { refusalOf } from '../../src/lab/live/guard.ts';
import { makeLaneTail } from '../../src/lab/live/lanes.ts';
import { etcdNote, readProxies } from '../../src/lab/live/services.ts';
import { machineDeeds } from '../../src/lab/machineDeeds.ts';
import { inOurTime } from '../../src/lab/ourTime.ts';
import { planLoopback, planNamespaces } from '../../src/lab/plan.ts';
import { whyNotHere } from '../../src/lab/scenario/fit.ts';
import { shippedScenarios } from '../../src/lab/scenario/shelf.ts';
import type { MachineStatus } from '../../src/lab/status.ts';
import type { Happening, Picture } from '../../src/model/live.ts';
import { boottimeMs } from '../../src/world/libc.ts';

const key = 'c2VjcmV0LWtleS4u';
const post = { method: 'POST', host: 'localhost:7001', origin: 'http://localhost:7001', key };

test('who breaks something comes from this very page, and has the key', () => {
  assert.equal(refusalOf(post, key), null);
  assert.equal(
    refusalOf({ ...post, host: '127.0.0.1:9', origin: 'http://127.0.0.1:9' }, key),
    null,
    'through a tunnel',
  );
  const refused = [
    { ...post, origin: 'http://evil.example' },
    { ...post, origin: 'https://localhost:7001' },
    { ...post, origin: 'http://localhost:7002' },
    { ...post, origin: 'null' },
    { ...post, origin: undefined },
    { ...post, key: undefined },
    { ...post, key: '' },
    { ...post, key: `${key}x` },
    { ...post, host: 'evil.example', origin: 'http://evil.example' },
    { ...post, host: 'localhost.evil.example:7001', origin: 'http://localhost.evil.example:7001' },
    { ...post, host: undefined },
  ];
  for (const visitor of refused) assert.notEqual(refusalOf(visitor, key), null, JSON.stringify(visitor));
});

test('who only looks needs no key; a foreign name that points here is refused all the same', () => {
  const get = { method: 'GET', host: 'localhost:7001', origin: undefined, key: undefined };
  assert.equal(refusalOf(get, key), null);
  assert.notEqual(refusalOf({ ...get, host: 'rebound.example:7001' }, key), null);
});

test('a deed is read field by field: nothing but what the buttons offer', () => {
  const machines = ['node1', 'client'];
  const read = (value: unknown) => readDeed(JSON.stringify(value), machines);
  assert.deepEqual(read({ deed: 'cut', node: 'node1' }), { kind: 'cut', node: 'node1' });
  assert.deepEqual(read({ deed: 'freeze', node: 'node1', service: 'etcd' }), {
    kind: 'kill',
    node: 'node1',
    service: 'etcd',
    signal: 'STOP',
    restartAfterS: null,
  });
  assert.deepEqual(read({ deed: 'saturate', node: 'client' }), { kind: 'saturate', node: 'client' });
  assert.deepEqual(read({ deed: 'deafen', node: 'node1' }), { kind: 'deafen', node: 'node1' });
  assert.deepEqual(read({ deed: 'fillDisk', node: 'node1' }), { kind: 'fillDisk', node: 'node1' });
  assert.deepEqual(read({ deed: 'clockBack', node: 'node1' }), { kind: 'setClock', node: 'node1', byMs: -3_600_000 });
  assert.deepEqual(read({ deed: 'switchover', node: 'node1' }), { kind: 'switchover', to: 'node1' });
  assert.deepEqual(read({ deed: 'switchover' }), { kind: 'switchover', to: null }, 'whoever is fit');
  assert.deepEqual(read({ deed: 'play', scenario: 'switchover' }), { kind: 'play', scenario: 'switchover' });
  for (const value of [
    null,
    'cut',
    { deed: 'cut' },
    { deed: 'cut', node: 'node9' },
    { deed: 'down', node: 'node1' },
    { deed: 'inside', node: 'node1', argv: ['id'], user: 'root' },
    { deed: 'kill', node: 'node1', service: 'sshd' },
    { deed: 'kill', node: 'node1' },
    { deed: 'setClock', node: 'node1', byMs: 1 },
    { deed: 'play', scenario: ['switchover'] },
  ])
    assert.equal(typeof read(value), 'string', JSON.stringify(value));
  assert.equal(typeof readDeed('{', machines), 'string');
});

test('a deed to a machine that does not exist is refused, whichever it is, and the machines are named', () => {
  const whole = [...machineDeeds, 'clockAhead', 'clockBack', 'clockRight', 'switchover'].map((deed) => ({ deed }));
  const ofServices = ['kill', 'freeze', 'thaw', 'start'].map((deed) => ({ deed, service: 'etcd' }));
  for (const deed of [...whole, ...ofServices])
    assert.equal(
      readDeed(JSON.stringify({ ...deed, node: 'node9' }), ['node1', 'client']),
      'no machine node9: there are node1, client',
      deed.deed,
    );
  for (const node of ['', 7, ['node1'], {}])
    assert.equal(typeof readDeed(JSON.stringify({ deed: 'switchover', node }), ['node1']), 'string', String(node));
});

test('a scenario fits a lab or says why not, with the remedy; all fit the lab that they ask for', () => {
  const lab = (options: Parameters<typeof planNamespaces>[0]) =>
    ({ kind: 'namespaces', plan: planNamespaces(options), dir: '/var/tmp/lab' }) as const;
  const named = (name: string) => shippedScenarios().find((one) => one.name === name) ?? assert.fail(name);
  assert.equal(whyNotHere(named('switchover'), lab({})), null);
  assert.match(whyNotHere(named('five-nodes'), lab({})) ?? '', /5 nodes: "matriarch lab up --nodes 5"/);
  assert.match(whyNotHere(named('switchover'), lab({ diskMb: 512 })) ?? '', /disks of 1024 MB/);
  const synchronous = { extraConfig: () => ({ bootstrap: { dcs: { synchronous_mode: true } } }) };
  assert.match(whyNotHere(named('switchover'), lab(synchronous)) ?? '', /another configuration/);
  assert.match(
    whyNotHere(named('clock-set'), lab({})) ?? '',
    /"matriarch lab up --fake-clocks", or "matriarch lab run clock-set"/,
  );
  assert.equal(whyNotHere(named('clock-set'), lab({ fakeClocks: true })), null);
  const folders = { kind: 'loopback', plan: planLoopback({}, '/nowhere', 1), dir: '/nowhere' } as const;
  assert.match(whyNotHere(named('switchover'), { ...lab({}), dir: '/tmp/lab' }) ?? '', /below another folder/);
  assert.match(whyNotHere(named('switchover'), folders) ?? '', /as root/);
  for (const scenario of shippedScenarios().filter(({ setUp }) => !setUp.fakeClocks)) {
    const { nodes, ttlS, diskMb, config } = scenario.setUp;
    const asked = { nodes, diskMb, extraConfig: () => config, ...(ttlS === null ? {} : { ttlS }) };
    assert.equal(whyNotHere(scenario, lab(asked)), null, scenario.name);
  }
});

test('a lane is read as its log grows: whole lines only, gaps told again, a file that comes late', () => {
  const folder = mkdtempSync('/tmp/matriarch-lane-');
  const path = `${folder}/client-writer.log`;
  const line = (wallMs: number, gaps: unknown[] = []): string =>
    `${JSON.stringify({ wallMs, kind: 'write', host: '10.77.0.11:5432', role: 'primary', perSecond: 20, latencyMs: 1, longestGapMs: 9, failed: 0, unknown: 0, gaps })}\n`;
  const tail = makeLaneTail('write', path);
  assert.equal(tail.more(), null);
  const whole = line(2000);
  writeFileSync(path, `connecting\n${line(1000)}${whole.slice(0, 20)}`);
  assert.deepEqual(tail.more()?.samples, [{ wallMs: 1000, perSecond: 20, host: '10.77.0.11:5432' }]);
  assert.equal(tail.more(), null);
  appendFileSync(path, whole.slice(20) + line(3000, [{ fromWallMs: 2500, toWallMs: null }]));
  const more = tail.more();
  assert.deepEqual(
    more?.samples.map(({ wallMs }) => wallMs),
    [2000, 3000],
  );
  appendFileSync(path, line(4000, [{ fromWallMs: 2500, toWallMs: 3900 }]));
  assert.deepEqual(tail.more()?.gaps, [{ fromWallMs: 2500, toWallMs: 3900 }]);
  const all = tail.all();
  assert.deepEqual([all.samples.length, all.gaps.length, all.now?.longestGapMs], [4, 1, 9]);
  rmSync(folder, { recursive: true });
});

test('HAProxy’s statistics and etcd’s status in a word', () => {
  const csv = [
    '# pxname,svname,qcur,scur,status,',
    'writes,FRONTEND,,2,OPEN,',
    'writes,node1,0,2,UP,',
    'writes,node2,0,0,DOWN,',
    'writes,BACKEND,0,2,UP,',
    'reads,node2,0,1,UP 1/2,',
    '',
  ].join('\n');
  assert.deepEqual(readProxies(csv, { writes: 5000, reads: 5001 }), [
    {
      name: 'writes',
      port: 5000,
      servers: [
        { name: 'node1', up: true, sessions: 2 },
        { name: 'node2', up: false, sessions: 0 },
      ],
    },
    { name: 'reads', port: 5001, servers: [{ name: 'node2', up: true, sessions: 1 }] },
  ]);
  const me = { header: { member_id: '15300119462364891045' } };
  assert.equal(etcdNote({ ...me, leader: '15300119462364891045' }), 'leader');
  assert.equal(etcdNote({ ...me, leader: '15300119462364891046' }), 'follower');
  assert.equal(etcdNote(me), 'no leader', 'a zero is not sent');
  assert.equal(etcdNote({ error: 'x' }), null);
});

test('of many agents the one is believed whose etcd answers; a cut one about itself alone', () => {
  const status = (name: string, cable: 'in' | 'out'): MachineStatus => ({
    name,
    address: '10.77.0.11',
    power: 'on',
    cable,
    saturated: name === 'node1',
    parts: [{ part: 'disk', hurt: 'full', locked: null }],
    processes: { agent: 'running', etcd: 'running' },
  });
  const own = {
    postgres: 'running primary',
    timeline: 3,
    lsn: null,
    lease: null,
    guard: 'armed',
    freezeGuard: null,
    job: null,
    etcdSilentBecause: null,
    rule: 'r',
    reason: '',
    because: [],
  };
  const says = (name: string, toldBy: string | null, leader: string | null): Picture => ({
    source: 'agent',
    scope: 'demo',
    sinceWallMs: 0,
    toldBy,
    leader,
    paused: false,
    outlook: leader === null ? null : { kind: 'nobody', leader, why: `says ${name}`, because: [] },
    machines: ['node1', 'node2'].map((one) => ({
      name: one,
      address: null,
      member: { role: one === leader ? 'leader' : 'replica', state: 'running', timeline: 3, lagBytes: null },
      own: one === name ? own : null,
      beside: null,
    })),
    client: null,
  });
  const known: Known = {
    scope: 'demo',
    sinceWallMs: 0,
    cables: true,
    machines: [
      status('node1', 'out'),
      status('node2', 'in'),
      { ...status('client', 'in'), processes: { haproxy: 'running' } },
    ],
    heard: new Map([
      ['node1', says('node1', null, null)],
      ['node2', says('node2', 'node2', 'node2')],
    ]),
    etcd: new Map([['node1', 'no leader']]),
    proxies: [],
    asked: null,
  };
  const picture = assemble(known);
  assert.deepEqual([picture.leader, picture.toldBy], ['node2', 'node2']);
  assert.equal(picture.outlook?.kind === 'nobody' && picture.outlook.why, 'says node2');
  const stale = assemble({ ...known, asked: null, heard: new Map([['node1', says('node1', 'node1', 'node2')]]) });
  assert.equal(stale.outlook?.leader, 'node2', 'another agent’s, where the leader’s own is not heard');
  const [cut] = picture.machines;
  assert.equal(cut?.own?.postgres, 'running primary', 'what it says of itself stays');
  assert.equal(cut?.member?.role, 'replica');
  assert.equal(cut?.beside?.parts[0]?.hurt, 'full');
  assert.deepEqual([cut?.beside?.saturated, picture.client?.beside.saturated], [true, false]);
  assert.deepEqual(
    cut?.beside?.services.find(({ name }) => name === 'etcd'),
    {
      name: 'etcd',
      state: 'running',
      note: 'no leader',
    },
  );
  assert.equal(picture.client?.beside.services[0]?.name, 'haproxy');
  const nobody = assemble({ ...known, heard: new Map() });
  assert.deepEqual([nobody.leader, nobody.toldBy, nobody.machines[0]?.own], [null, null, null]);
});

test('who has a wrong clock is put in order by the clock that all machines share, and how wrong it is is told', () => {
  const bootedMs = Date.now() - boottimeMs();
  const happened = (atMs: number, clockMs: number): Happening => ({
    wall: new Date(bootedMs + atMs + clockMs).toISOString(),
    atMs,
    skewMs: 0,
    node: 'node1',
    kind: 'note',
    text: `${atMs}`,
    because: [],
    decision: null,
  });
  const wallOf = (atMs: number) => Math.round(bootedMs + atMs);
  const [right, ahead, behind, late] = [
    happened(1_000, 300),
    happened(2_000, 3_600_000),
    happened(3_000, -3_600_000),
    happened(4_000, 0),
  ].map(inOurTime);
  assert.ok(right !== undefined && ahead !== undefined && behind !== undefined && late !== undefined);
  assert.deepEqual([right.skewMs, late.skewMs], [0, 0]);
  for (const [one, atMs, skewMs] of [
    [ahead, 2_000, 3_600_000],
    [behind, 3_000, -3_600_000],
  ] as const) {
    assert.ok(Math.abs(Date.parse(one.wall) - wallOf(atMs)) < 100, one.wall);
    assert.ok(Math.abs(one.skewMs - skewMs) < 100, `${one.skewMs}`);
  }
  const album = makeAlbum();
  album.add([late, behind, ahead, right]);
  assert.deepEqual(
    album.all().map(({ text }) => text),
    ['1000', '2000', '3000', '4000'],
  );
  assert.deepEqual(inOurTime(happened(2_000, 3_600_000)), ahead, 'told again it is the same');
  const deed = { ...right, atMs: null, wall: '2026-01-01' };
  assert.equal(inOurTime(deed), deed, 'what people do is told by our clock');
});

test('an album tells all who listen what is new, once', () => {
  const album = makeAlbum();
  const told: string[] = [];
  const deafen = album.listen((fresh) => void told.push(...fresh.map(({ text }) => text)));
  const one: Happening = {
    wall: '2026-01-01',
    atMs: null,
    skewMs: 0,
    node: 'node1',
    kind: 'note',
    text: 'a',
    because: [],
    decision: null,
  };
  album.add([one]);
  album.add([one, { ...one, text: 'b' }]);
  album.act('plug out of node1', 'you');
  deafen();
  album.act('plug in of node1', 'you');
  assert.deepEqual(told, ['a', 'b', 'plug out of node1']);
  assert.equal(album.all().length, 4);
});
