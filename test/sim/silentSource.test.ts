import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';
import { tagged } from '../acceptance/stage.ts';
import { keyOf } from '../scenarios/stage.ts';

const members = ['n1', 'n2', 'n3'] as const;

interface Copying {
  readonly cluster: SimulatedCluster;
  readonly leader: string;
  /** It is being copied anew. */
  readonly node: string;
  readonly source: string;
  /** From whom each copy was begun. */
  readonly copies: () => readonly string[];
}

/** A copy that has just begun: from the leader, or from a replica that offers itself. */
async function copying(seed: number, from: 'leader' | 'replica'): Promise<Copying> {
  const offers = from === 'replica' ? { clonefrom: true } : {};
  const files = Object.fromEntries(members.map((name) => [name, tagged(offers)]));
  const cluster = await simulate({ members, seed, writeEveryMs: 250, files }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const [node = '', other = ''] = members.filter((name) => name !== leader);
  const begun = () =>
    cluster
      .journal(node)
      .flatMap((one) => (one.kind === 'job' ? [/^pg_basebackup from (.*)$/.exec(one.step)?.[1] ?? []] : []))
      .flat();
  const before = begun().length;
  const copies = () => begun().slice(before);
  void cluster.ask(node, 'POST', '/reinitialize', '{"force": true}');
  await cluster.until(() => copies().length > 0, { withinMs: 30_000 });
  await cluster.run(100);
  const source = from === 'leader' ? leader : other;
  assert.deepEqual(copies(), [source]);
  return { cluster, leader, node, source, copies };
}

const streams = ({ cluster, node }: Copying) => cluster.server(node)?.inRecovery === true;

/** All processes of that name stand still; the kernel answers for them. */
function freeze({ cluster }: Copying, name: string, which: RegExp): void {
  for (const one of cluster.node(name).machine.processes.all()) if (which.test(one.executable())) one.signal('STOP');
}

test('the source of a copy loses its power, and says nothing: the copy does not wait for it for hours', async () => {
  const copy = await copying(0x511e, 'leader');
  copy.cluster.powerOff(copy.leader);
  await copy.cluster.until(() => streams(copy), { withinMs: 180_000 });
  assert.deepEqual(copy.cluster.violations(), []);
});

test('the server of a copy’s source freezes on a kernel that lives: it is given up after a minute, and made from another', async () => {
  const copy = await copying(0x511f, 'replica');
  const sinceMs = copy.cluster.engine.now();
  freeze(copy, copy.source, /postgres/);
  await copy.cluster.until(() => copy.copies().length > 1, { withinMs: 180_000 });
  const tookMs = copy.cluster.engine.now() - sinceMs;
  assert.ok(tookMs > 55_000 && tookMs < 120_000, `${tookMs}`);
  await copy.cluster.until(() => streams(copy), { withinMs: 30_000 });
  assert.deepEqual(copy.copies(), [copy.source, copy.leader]);
  const given = copy.cluster.journal(copy.node).find((one) => one.kind === 'job' && one.outcome === 'failed');
  assert.match(JSON.stringify(given), /no byte came for 60 s, and its server does not answer: it was given up/);
  assert.deepEqual(copy.cluster.violations(), []);
});

test('the source froze with its agent, and another leads by now: the copy is given up, and made from that one', async () => {
  const copy = await copying(0x5120, 'leader');
  freeze(copy, copy.leader, /./);
  await copy.cluster.until(() => ![null, copy.leader].includes(keyOf(copy.cluster, 'leader')), { withinMs: 60_000 });
  // At the next look after it.
  await copy.cluster.until(() => streams(copy), { withinMs: 15_000 });
  const [first, ...later] = copy.copies();
  assert.equal(first, copy.leader);
  assert.deepEqual(
    later,
    members.filter((name) => name !== copy.leader && name !== copy.node),
  );
});

/** Seed 90201, beside a Patroni: it failed at last, and emptied what the agent after it had copied from the next leader meanwhile. */
test('a pg_basebackup that outlives its agent, over a source that says nothing, is ended before the next copy', async () => {
  const copy = await copying(0x5121, 'leader');
  copy.cluster.powerOff(copy.leader);
  await copy.cluster.run(1000);
  copy.cluster.agent(copy.node).kill();
  await copy.cluster.until(() => streams(copy), { withinMs: 180_000 });
  const told = copy.cluster.journal(copy.node).filter((one) => one.kind === 'note' && /still at work/.test(one.text));
  assert.equal(told.length, 1);
  assert.deepEqual(copy.cluster.violations(), []);
});
