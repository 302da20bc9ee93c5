import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { History, Promotion, Right, Write } from '../../src/model/history.ts';
import { judge, type Violation } from '../../src/model/laws.ts';
import { endedByPeer, isPeersOwn, withinRights } from '../../src/sim/peersOwn.ts';

/** n3 is the Patroni. */
const patronis: ReadonlySet<string> = new Set(['n3']);
const right = (node: string, term: string, fromMs: number, untilMs: number): Right => ({
  kind: 'right',
  node,
  term,
  fromMs,
  untilMs,
});
const promotion = (node: string, term: string, atMs: number): Promotion => ({
  kind: 'promotion',
  node,
  term,
  timeline: 2,
  atMs,
  ineligible: null,
});
const write = (node: string, atMs: number, timeline = 1): Write => ({
  kind: 'write',
  outcome: 'acknowledged',
  client: `writer-${node}`,
  key: node,
  value: atMs,
  sentMs: atMs,
  endedMs: atMs,
  node,
  serverMs: atMs,
  timeline,
  systemId: '7',
  error: null,
});
/** The violations of that history, as `kind of whom`. */
function told(history: History): readonly string[] {
  const found = judge(history, { fenceMs: 300, loss: { kind: 'tail', ms: 1e9 } });
  return found.map((one: Violation) => `${one.kind} of ${isPeersOwn(one, patronis) ? 'the Patroni' : 'ours'}`);
}

test('a Patroni that goes on after its lease beside one of ours breaks laws of its own', () => {
  const history = [right('n3', '5', 0, 1000), right('n1', '9', 1500, 9000)];
  const writes = [write('n3', 100), write('n3', 4000), write('n1', 2000, 2), write('n1', 5000, 2)];
  assert.deepEqual(told([...history, ...writes]), ['splitBrain of the Patroni', 'wroteWithoutRight of the Patroni']);
});

test('one of ours that takes the key beside a Patroni whose lease lives is told as ours', () => {
  const history = [right('n3', '5', 0, 5000), right('n1', '9', 1500, 9000)];
  assert.deepEqual(told(history), ['rightsOverlap of ours']);
});

test('a Patroni that takes the key while the lease of one of ours lives broke it; ours that writes on after that did', () => {
  const rights = [right('n1', '5', 0, 3000), right('n3', '9', 1500, 90_000)];
  assert.deepEqual(told(rights), ['rightsOverlap of the Patroni']);
  assert.deepEqual(told([...rights, write('n1', 2900)]), ['rightsOverlap of the Patroni']);
  assert.deepEqual(told([...rights, write('n1', 9000)]), ['rightsOverlap of the Patroni', 'wroteWithoutRight of ours']);
});

test('one of ours that is promoted without the key is told as ours, whoever has it', () => {
  const rights = [right('n3', '5', 0, 5000), right('n1', '9', 6000, 9000)];
  assert.deepEqual(told([...rights, promotion('n1', '9', 5500)]), ['promotedWithoutLease of ours']);
  assert.deepEqual(told([...rights, promotion('n3', '5', 5500)]), ['promotedWithoutLease of the Patroni']);
});

test('what is lost is laid to whoever came next', () => {
  const history = [right('n1', '5', 0, 1000), right('n3', '9', 2000, 3000), right('n2', '12', 4000, 9000)];
  assert.equal(endedByPeer(history, 'n1', 500, patronis), true);
  assert.equal(endedByPeer(history, 'n3', 2500, patronis), false);
  assert.equal(endedByPeer([...history, promotion('n2', '9', 700)], 'n1', 500, patronis), false);
});

test('what a Patroni acknowledged after its right is not counted as lost, and what came before is', () => {
  const rights = [right('n3', '5', 0, 1000), right('n1', '9', 1500, 2000)];
  const writes = [write('n3', 900), write('n3', 1200), write('n1', 2500)];
  const kept = withinRights([...rights, ...writes], patronis).filter((seen) => seen.kind === 'write');
  assert.deepEqual(kept, [writes[0], writes[2]]);
});
