import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pastIn } from '../../src/agent/rehearsals.ts';
import type { FeltGap, Incident } from '../../src/model/incident.ts';
import { noPast } from '../../src/model/rehearsal.ts';

const incident = (kind: Incident['kind'], phases: Incident['phases'], gaps: readonly Partial<FeltGap>[] = []) =>
  ({ kind, phases, clients: [{ probe: 'p', unheard: null, gaps }] }) as unknown as Incident;
const phases = [
  { phase: 'leaderGone', afterMs: 100 },
  { phase: 'keyTaken', afterMs: 150 },
  { phase: 'keyMine', afterMs: 150 },
  { phase: 'writable', afterMs: 650 },
] as const;
const gap = { kind: 'write', ended: true, beganAfterMs: -24_900, gapMs: 26_000 } as const;

test('a promotion tells all phases: what it saw itself, and what a probe felt before and after', () => {
  const past = pastIn([incident('promotion', phases, [gap, { ...gap, kind: 'read', gapMs: 90_000 }])]);
  assert.deepEqual(past, { leasesMs: [25_000], racesMs: [50], promotionsMs: [500], routesMs: [450] });
});

test('a change that was only seen tells of lease and race; without a probe, or in a gap that goes on, nobody knows of clients', () => {
  assert.deepEqual(pastIn([incident('failover', phases.slice(0, 2), [gap])]), {
    ...noPast,
    leasesMs: [25_000],
    racesMs: [50],
  });
  const alone = { ...noPast, racesMs: [50], promotionsMs: [500] };
  assert.deepEqual(pastIn([incident('promotion', phases)]), alone);
  assert.deepEqual(pastIn([incident('promotion', phases, [{ ...gap, ended: false }])]), alone);
});

test('what is out of order, or of a repair, tells nothing', () => {
  const before = [{ phase: 'keyMine', afterMs: 900 }, ...phases.filter(({ phase }) => phase !== 'keyMine')] as const;
  assert.deepEqual(pastIn([incident('promotion', before)]).promotionsMs, []);
  assert.deepEqual(pastIn([incident('repair', phases, [gap]), incident('demotion', phases, [gap])]), noPast);
});
