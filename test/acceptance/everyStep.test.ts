import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SimulatedCluster, SimulateOptions } from '../../src/sim/cluster.ts';
import { ends, keyOf, leadsElsewhere, members, type Stage, three } from '../scenarios/stage.ts';

/**
 * The agent is killed at every step of what it does: with each line of its journal, and with each write to etcd, before it has
 * heard that it was done. The next one finishes that, or undoes it.
 */

interface Operation {
  readonly seed: number;
  readonly settings?: SimulateOptions['settings'];
  /** How old an acknowledged write may be that is lost; absent: as asynchronous replication has it. */
  readonly lossMs?: number;
  /** Brought about before the steps are counted. */
  before?(stage: Stage): Promise<void>;
  begin(stage: Stage): void;
  /** It has had its end, by itself. */
  isOver(stage: Stage): boolean;
  /** What else must be so when all is well again. */
  after?(stage: Stage): void;
}

/** Whose doing each moment since then was, in their order: asked again it tells only what is new. */
function momentsOf(cluster: SimulatedCluster): () => readonly string[] {
  const read = new Map(members.map((name) => [name, cluster.journal(name).length]));
  let revision = cluster.etcd.store.revision();
  return () => {
    const entries = members.flatMap((name) => {
      const from = read.get(name) ?? 0;
      const now = cluster.journal(name).length;
      read.set(name, now);
      return Array.from({ length: now - from }, () => name);
    });
    const now = cluster.etcd.store.revision();
    const writes = now === revision ? [] : cluster.etcd.store.events((revision + 1n) as typeof now, now);
    revision = now;
    return [...entries, ...writes.map(({ key }) => writerOf(cluster, key))];
  };
}

const writerOf = (cluster: SimulatedCluster, key: string): string => {
  const own = members.find((name) => key.endsWith(`/members/${name}`));
  return own ?? keyOf(cluster, 'leader') ?? cluster.primary() ?? members[0];
};

/** Mostly it is back at once, sometimes when its lease is long over. */
const awayMs = (step: number): number => (step % 3 === 0 ? 45_000 : 1_000);

/** Plays it once, with the agent killed at that step; how many steps there were. Without a step: undisturbed. */
async function play(operation: Operation, step: number): Promise<number> {
  const stage = await three(operation.seed, operation.settings);
  const { cluster } = stage;
  await operation.before?.(stage);
  const moments = momentsOf(cluster);
  let steps = 0;
  const isAt = (): boolean => {
    for (const name of moments()) {
      steps += 1;
      if (steps !== step) continue;
      cluster.tell(name, `killed at step ${step}`);
      cluster.agent(name).kill({ restartAfterMs: awayMs(step) });
      return true;
    }
    return false;
  };
  operation.begin(stage);
  await cluster.until(() => isAt() || operation.isOver(stage), { withinMs: 120_000 });
  await cluster.run(awayMs(step) + 1_000);
  await ends(cluster, operation.lossMs);
  operation.after?.(stage);
  return steps;
}

/** `STEPS=all` plays every one, which takes minutes; else some, drawn anew each time. `STEPS=17`: that one. */
const asked = process.env.STEPS;
const sampled = 8;

async function atEveryStep(context: TestContext, operation: Operation): Promise<void> {
  const count = await play(operation, 0);
  assert.ok(count >= 20, `only ${count} steps were seen`);
  const all = Array.from({ length: count }, (_, index) => index + 1);
  const one = Number(asked);
  const drawn = all.filter(() => Math.random() < sampled / count);
  const steps = asked === 'all' ? all : one > 0 ? [one] : drawn;
  context.diagnostic(`${count} steps; killed at ${asked === 'all' ? 'each' : steps.join(', ')}`);
  for (const step of steps) {
    try {
      await play(operation, step);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`killed at step ${step} of ${count} (STEPS=${step}): ${why}`);
    }
  }
}

const streamsFrom = (stage: Stage, name: string): boolean =>
  stage.cluster.steady() && stage.cluster.primary() !== name && stage.cluster.primary() !== null;
const isNamed = ({ cluster }: Stage, name: string): boolean =>
  (JSON.parse(keyOf(cluster, 'sync') ?? '{}').sync_standby ?? '').split(',').includes(name);

test('a switchover', (context) =>
  atEveryStep(context, {
    seed: 9101,
    lossMs: 0,
    begin: ({ cluster, leader, others: [candidate] }) =>
      void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader, candidate })),
    isOver: (stage) => stage.cluster.primary() === stage.others[0] && stage.cluster.steady(),
    after: ({ cluster }) =>
      assert.ok([null, '{}', ''].includes(keyOf(cluster, 'failover')), 'the request is done with'),
  }));

test('a failover, and the former primary comes back', (context) =>
  atEveryStep(context, {
    seed: 9102,
    begin({ cluster, leader }) {
      cluster.powerOff(leader);
      cluster.engine.after(45_000, () => cluster.powerOn(leader));
    },
    isOver: (stage) => streamsFrom(stage, stage.leader),
  }));

test('a rewind', (context) =>
  atEveryStep(context, {
    seed: 9103,
    async before({ cluster, leader }) {
      cluster.network.isolate(leader);
      await cluster.until(() => leadsElsewhere(cluster, leader), { withinMs: 60_000 });
      await cluster.run(5_000);
    },
    begin: ({ cluster }) => cluster.network.heal(),
    isOver: (stage) => streamsFrom(stage, stage.leader),
  }));

const copies = ({ cluster, others: [copied] }: Stage): number =>
  cluster.journal(copied).filter((entry) => entry.kind === 'job' && entry.job === 'clone' && entry.outcome === 'done')
    .length;

test('a copy', (context) =>
  atEveryStep(context, {
    seed: 9104,
    lossMs: 0,
    begin: ({ cluster, others: [copied] }) => void cluster.ask(copied, 'POST', '/reinitialize', '{"force": true}'),
    isOver: (stage) => copies(stage) > 1 && stage.cluster.steady(),
    after: (stage) => assert.ok(copies(stage) > 0),
  }));

/** Where it was seen not to be named any more. */
const left = new WeakSet<SimulatedCluster>();

for (const [mode, seed] of [
  [true, 9105],
  ['quorum', 9106],
] as const)
  test(`a synchronous standby goes, and comes back; synchronous_mode: ${mode}`, (context) =>
    atEveryStep(context, {
      seed,
      settings: { synchronous_mode: mode, synchronous_node_count: 2 },
      lossMs: 0,
      begin({ cluster, others: [away] }) {
        cluster.postgres(away).kill();
      },
      isOver(stage) {
        const isThere = isNamed(stage, stage.others[0]);
        if (!isThere) left.add(stage.cluster);
        return isThere && left.has(stage.cluster);
      },
      after: (stage) =>
        assert.ok(
          members.every((name) => name === stage.cluster.primary() || isNamed(stage, name)),
          keyOf(stage.cluster, 'sync') ?? '',
        ),
    }));
