import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeConfirmations } from '../../src/sim/confirmations.ts';
import { makeEngine } from '../../src/sim/engine.ts';
import type { SimulatedNode } from '../../src/sim/node.ts';
import type { Instance, PostgresWorld } from '../../src/sim/postgres/instance.ts';

/** n1 has said that it has withdrawn from n2; then its server confirms WAL to n2, which is a primary still, or a standby that relays. */
function brokenWhere(inRecovery: boolean): number {
  const upstream = { machine: { name: 'n2' }, inRecovery } as unknown as Instance;
  const postgres = { servers: new Set([upstream]) } as unknown as PostgresWorld;
  const seen = {
    dcs: { kind: 'reachable', vacancy: { last: { name: 'n2' } }, cluster: { leader: null } },
    failsafe: { promised: null },
    nowMs: 0,
  };
  const node = { name: 'n1', handles: () => ({ snapshot: () => ({ seen, withdrawn: true }) }) };
  const law = makeConfirmations(makeEngine(), postgres, [node as unknown as SimulatedNode]);
  law.look();
  postgres.confirming?.({ machine: { name: 'n1' } } as unknown as Instance, 'n2');
  return law.all().length;
}

test('whoever has withdrawn confirms nothing to the last primary; to a standby that relays it is no confirmation', () => {
  assert.deepEqual([brokenWhere(false), brokenWhere(true)], [1, 0]);
});
