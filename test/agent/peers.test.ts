import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePeers } from '../../src/agent/peers.ts';
import type { Member } from '../../src/model/cluster.ts';
import { instantMs, wallMs } from '../../src/model/units.ts';
import type { HttpReply } from '../../src/model/world.ts';
import { member } from '../decide/values.ts';

const status = JSON.stringify({ state: 'running', role: 'replica', xlog: { received_location: 1 } });

/** Peers behind an HTTP that answers when it is told to. */
function place() {
  let nowMs = 1_000_000;
  const open: ((reply: HttpReply) => void)[] = [];
  const wakes: string[] = [];
  const clock = {
    now: () => instantMs(nowMs),
    wall: () => wallMs(0),
    at: () => () => {},
    sleep: () => Promise.resolve(),
  };
  const http = { request: () => new Promise<HttpReply>((resolve) => void open.push(resolve)) };
  const peers = makePeers({ clock, http }, { headers: () => ({}), wake: (reason) => void wakes.push(reason) });
  const members: readonly Member[] = [member('n2')];
  peers.setMembers(members);
  return {
    peers,
    wakes,
    asked: () => open.length,
    pass: (ms: number): void => {
      nowMs += ms;
    },
    async answer(): Promise<void> {
      for (const settle of open.splice(0)) settle({ kind: 'answered', status: 200, headers: {}, body: status });
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('an answer that nobody waits for wakes nobody; one that somebody waits for does, once', async () => {
  const { peers, wakes, answer, pass } = place();
  peers.ask(900, 'quiet');
  await answer();
  assert.deepEqual(wakes, []);
  pass(1_000);
  peers.ask(40, 'eager');
  await answer();
  assert.deepEqual(wakes, ['peer:n2']);
  pass(1_000);
  peers.ask(900, 'quiet');
  await answer();
  assert.deepEqual(wakes, ['peer:n2']);
});

test('a quiet question after an eager one does not silence its answer, and one under way is waited for', async () => {
  const { peers, wakes, answer, pass, asked } = place();
  peers.ask(40, 'eager');
  pass(10);
  peers.ask(900, 'quiet');
  assert.equal(asked(), 1);
  await answer();
  assert.deepEqual(wakes, ['peer:n2']);
  pass(1_000);
  peers.ask(900, 'quiet');
  pass(10);
  peers.ask(200, 'eager');
  assert.equal(asked(), 1, 'it is asked already');
  await answer();
  assert.deepEqual(wakes, ['peer:n2', 'peer:n2']);
});
