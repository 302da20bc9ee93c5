import type { Scenario } from '../../model/scenario.ts';
import { comesBack } from '../scenario/comesBack.ts';
import { type Blow, blows } from './blows.ts';
import { type Moment, moments, type StruckRole, struckRoles } from './moments.ts';

/** Which process of which node is struck by which signal at which moment: a scenario for each combination that makes sense. */
export function matrixScenarios(): readonly Scenario[] {
  const cells = struckRoles.flatMap((of) =>
    blows.flatMap((blow) => moments.map((moment) => ({ of, blow, moment }))).filter(makesSense),
  );
  return cells.map(scenarioOf);
}

interface Cell {
  readonly of: StruckRole;
  readonly blow: Blow;
  readonly moment: Moment;
}

/** Of the etcd leader's machine only that counts which hurts etcd: everything else on it is a primary's or a replica's. */
const makesSense = ({ of, blow, moment }: Cell): boolean =>
  (of !== 'etcd leader' || blow.service === null || blow.service === 'etcd') && moment.without?.(of, blow) !== true;

function scenarioOf({ of, blow, moment }: Cell, nth: number): Scenario {
  const machine = { kind: 'role', role: of } as const;
  return {
    name: `matrix-${of.replace(' ', '-')}-${blow.name}-${moment.name}`,
    title: asTitle(`${blow.text(`the ${of}`)}, ${moment.text}`),
    description:
      'All members stream again without a human, there never are two primaries, and no more is lost than the bound.',
    long: false,
    red: null,
    setUp: { nodes: 3, ttlS: null, diskMb: 1024, fakeClocks: false, config: {} },
    steps: [
      ...moment.before(of, blow, nth),
      blow.strike(machine),
      ...blow.mend(machine, moment.patient === true),
      ...(moment.after?.(of) ?? []),
      { kind: 'waitFor', what: 'steady writes' },
    ],
    expect: comesBack(1_000),
  };
}

/** etcd is written like this everywhere. */
const asTitle = (text: string): string =>
  text.startsWith('etcd') ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
