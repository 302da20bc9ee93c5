import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDesk, type Request } from '../../src/lab/control.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabNode } from '../../src/lab/node.ts';
import type { Playhouse } from '../../src/lab/scenario/playhouse.ts';

const machineOf = (name: string) => ({ plan: { name, kind: name === 'client' ? 'client' : 'node' } });

/** A desk before machines that are only names; `powerOff` is what happens when somebody pulls a plug. */
function deskBefore(powerOff: () => Promise<void>) {
  const done: { readonly line: string; readonly begunMs: number }[] = [];
  const nodes = ['node1', 'node2', 'client'].map((name) => ({ name, machine: machineOf(name), powerOff }) as LabNode);
  const lab = {
    dir: '/nowhere',
    node(name: string): LabNode {
      const found = nodes.find((node) => node.name === name);
      if (found === undefined) throw new Error(`no machine ${name}; there are node1, node2, client`);
      return found;
    },
    status: () => Promise.reject(new Error('nobody was to be asked')),
  } as Partial<Lab> as Lab;
  const playhouse = { playing: () => null, start: () => {} } as Partial<Playhouse> as Playhouse;
  const desk = makeDesk(lab, {
    done: (line, begunWall) => void done.push({ line, begunMs: Date.parse(begunWall) }),
    down: () => {},
    pageUrl: () => null,
    playhouse,
  });
  return { desk, done };
}

test('what is refused, or fails, is not told as having happened', async () => {
  const { desk, done } = deskBefore(() => Promise.reject(new Error('the plug is stuck')));
  const refused: readonly (readonly [Request, RegExp])[] = [
    [{ kind: 'powerOff', node: 'node9' }, /no machine node9/],
    [{ kind: 'powerOff', node: 'node1' }, /the plug is stuck/],
    [{ kind: 'start', node: 'node9', service: 'agent' }, /no machine node9/],
    [{ kind: 'kill', node: 'node9', service: 'agent', signal: 'KILL', restartAfterS: null }, /no machine node9/],
  ];
  for (const [request, why] of refused) {
    const reply = await desk(request);
    assert.match(reply.kind === 'failed' ? reply.why : 'done', why);
  }
  assert.deepEqual(done, []);
});

test('what was done is told with the time when it was begun; a play when it began', async () => {
  let pulledMs = 0;
  const { desk, done } = deskBefore(async () => {
    pulledMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(done, [], 'not before it is done');
  });
  assert.equal((await desk({ kind: 'powerOff', node: 'node1' })).kind, 'done');
  assert.ok((done[0]?.begunMs ?? Number.NaN) <= pulledMs);
  assert.equal((await desk({ kind: 'play', scenario: 'switchover' })).kind, 'done');
  assert.deepEqual(
    done.map(({ line }) => line),
    ['plug out of node1', 'play switchover'],
  );
});

test('a switchover to who is no database node asks no agent', async () => {
  const { desk, done } = deskBefore(() => Promise.resolve());
  const whyOf = async (to: string): Promise<string> => {
    const reply = await desk({ kind: 'switchover', to });
    return reply.kind === 'failed' ? reply.why : 'done';
  };
  assert.match(await whyOf('node9'), /^no machine node9; there are node1, node2, client$/);
  assert.equal(await whyOf('client'), 'client has no database');
  assert.equal(await whyOf('node2'), 'nobody was to be asked', 'only then it is asked who leads');
  assert.deepEqual(done, []);
});

test('one that fails does not keep the next from being done', async () => {
  let broken = true;
  const { desk, done } = deskBefore(() => (broken ? Promise.reject(new Error('stuck')) : Promise.resolve()));
  await desk({ kind: 'powerOff', node: 'node1' });
  broken = false;
  await desk({ kind: 'powerOff', node: 'node1' });
  assert.equal(done.length, 1);
});
