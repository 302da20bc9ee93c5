import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observed } from '../../src/model/history.ts';
import { wallMs } from '../../src/model/units.ts';
import { makeRoleLog } from '../../src/traffic/roleLog.ts';

test('roles become pieces of history: cut where they change, and where nobody looked', () => {
  const seen: Observed[] = [];
  let nowMs = 1_000;
  const log = makeRoleLog('node1', { wall: () => wallMs(nowMs) }, { record: (fact) => void seen.push(fact) });
  const looks = (role: 'primary' | 'standby' | 'stopped', fromMs: number, untilMs: number): void => {
    for (nowMs = fromMs; nowMs <= untilMs; nowMs += 10) log.saw(role);
  };
  looks('standby', 1_000, 1_250);
  looks('primary', 1_260, 1_300);
  looks('primary', 4_000, 4_100);
  const pieces = seen.map((one) => (one.kind === 'role' ? [one.role, one.fromMs, one.untilMs] : []));
  assert.deepEqual(pieces, [
    ['standby', 1_000, 1_100],
    ['standby', 1_100, 1_200],
    ['standby', 1_200, 1_250],
    ['primary', 1_260, 1_300],
    ['primary', 4_000, 4_100],
  ]);
});
