import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimulatedCluster, simulate } from '../../src/sim/cluster.ts';

/** What an agent says would happen, and then it happens. */

interface Played {
  readonly outcome: { readonly kind: string; readonly winner?: string; readonly equals?: readonly string[] };
  readonly phases: readonly {
    readonly phase: string;
    readonly about: string;
    readonly least_ms: number;
    readonly most_ms: number;
  }[];
  readonly bytes_at_risk: number | null;
  readonly members: readonly { readonly name: string; readonly verdict: string }[];
}

async function ask(cluster: SimulatedCluster, name: string, without: string): Promise<Played> {
  const asked = cluster.ask(name, 'GET', `/rehearse?fresh=1&without=${without}`);
  await cluster.run(3_000);
  const answer = await asked;
  assert.equal(answer?.status, 200, answer?.body);
  return JSON.parse(answer?.body ?? '');
}

function leaderOf(cluster: SimulatedCluster): string {
  const leader = cluster.primary();
  if (leader === null) throw new Error('there is no one primary');
  return leader;
}

const span = (played: Played, names: readonly string[]): { leastMs: number; mostMs: number } => ({
  leastMs: played.phases.reduce((ms, one) => ms + (names.includes(one.phase) ? one.least_ms : 0), 0),
  mostMs: played.phases.reduce((ms, one) => ms + (names.includes(one.phase) ? one.most_ms : 0), 0),
});

/** What the simulated machines need besides: messages, disks, and the promotion, which nobody has seen yet. */
const besidesMs = 3_000;

for (const seed of [3, 14, 15, 92])
  test(`the leader that is imagined to be gone goes: who was named takes over, in the time that was told (${seed})`, async () => {
    const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed }).untilSteady();
    await cluster.run(20_000 + seed * 137);
    const leader = leaderOf(cluster);
    const [asked = leader] = ['n1', 'n2', 'n3'].filter((name) => name !== leader);
    const [own, other] = [await ask(cluster, leader, leader), await ask(cluster, asked, leader)];
    for (const played of [own, other]) assert.equal(played.outcome.kind, 'takes_over');
    const named = [own.outcome.winner, ...(own.outcome.equals ?? [])];
    const goneMs = cluster.engine.now();
    cluster.powerOff(leader);
    await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
    const tookMs = cluster.engine.now() - goneMs;
    const { leastMs, mostMs } = span(own, ['lease', 'race']);
    assert.ok(named.includes(cluster.primary() ?? ''), `${cluster.primary()} of ${named.join()}`);
    assert.ok(tookMs >= leastMs && tookMs <= mostMs + besidesMs, `${leastMs} <= ${tookMs} <= ${mostMs} + ${besidesMs}`);
  });

test('a standby that fell behind is not named, and does not win', async () => {
  const settings = { maximum_lag_on_failover: 100 };
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 8, settings, writeEveryMs: 200 }).untilSteady();
  await cluster.run(10_000);
  const leader = leaderOf(cluster);
  const [behind = '', ahead = ''] = ['n1', 'n2', 'n3'].filter((name) => name !== leader);
  cluster.network.cut(leader, behind);
  cluster.network.cut(behind, leader);
  await cluster.run(15_000);
  const played = await ask(cluster, leader, leader);
  assert.deepEqual(played.outcome, { kind: 'takes_over', winner: ahead, equals: [] });
  cluster.powerOff(leader);
  await cluster.until(() => cluster.primary() !== null, { withinMs: 60_000 });
  assert.equal(cluster.primary(), ahead);
});

test('in pause nobody is named, and nobody takes over', async () => {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 9 }).untilSteady();
  await cluster.run(15_000);
  const leader = leaderOf(cluster);
  void cluster.ask(leader, 'PATCH', '/config', '{"pause": true}');
  await cluster.run(15_000);
  const played = await ask(cluster, leader, leader);
  assert.equal(played.outcome.kind, 'nobody');
  cluster.powerOff(leader);
  await cluster.run(90_000);
  assert.equal(cluster.primary(), null);
});

test('without etcd the leader stops in the time that was told', async () => {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 10 }).untilSteady();
  await cluster.run(17_000);
  const leader = leaderOf(cluster);
  const played = await ask(cluster, leader, 'etcd');
  assert.equal(played.outcome.kind, 'stops');
  const { leastMs, mostMs } = span(played, ['stop']);
  for (const name of ['n1', 'n2', 'n3']) cluster.etcd.kill(name);
  const goneMs = cluster.engine.now();
  await cluster.until(() => cluster.server(leader)?.inRecovery !== false, { withinMs: 40_000 });
  const tookMs = cluster.engine.now() - goneMs;
  assert.ok(tookMs >= leastMs - 500 && tookMs <= mostMs + 2_500, `${leastMs} <= ${tookMs} <= ${mostMs}`);
});

test('what promotions took is what the next rehearsal tells, also after the agent began anew', async () => {
  const cluster = await simulate({ members: ['n1', 'n2', 'n3'], seed: 13 }).untilSteady();
  await cluster.run(20_000);
  const leader = leaderOf(cluster);
  const [candidate = ''] = ['n1', 'n2', 'n3'].filter((name) => name !== leader);
  for (const [from, to] of [
    [leader, candidate],
    [candidate, leader],
  ] as const) {
    void cluster.ask(from, 'POST', '/switchover', JSON.stringify({ leader: from, candidate: to }));
    await cluster.until(() => cluster.primary() === to, { withinMs: 60_000 });
    await cluster.untilSteady();
    await cluster.run(5_000);
  }
  cluster.agent(candidate).kill();
  await cluster.run(20_000);
  const promotion = (await ask(cluster, candidate, leader)).phases.find(({ phase }) => phase === 'promotion');
  assert.match(promotion?.about ?? '', /by the one promotion that this agent has seen$/);
  const took = cluster.node(candidate).handles()?.incidents() ?? [];
  const phases = took.find(({ kind }) => kind === 'promotion')?.phases ?? [];
  const at = (wanted: string): number => phases.find(({ phase }) => phase === wanted)?.afterMs ?? Number.NaN;
  assert.equal(promotion?.most_ms, at('writable') - at('keyMine'));
});
