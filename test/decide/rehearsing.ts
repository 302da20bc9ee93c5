import assert from 'node:assert/strict';
import { type Question, rehearse } from '../../src/decide/rehearse/rehearse.ts';
import type { Observation } from '../../src/model/observation.ts';
import { noPast, type Rehearsal } from '../../src/model/rehearsal.ts';
import { lsn } from '../../src/model/units.ts';
import { following, leading, peer } from './values.ts';

export const question: Question = { without: ['n1'], marginMs: 5_000, past: noPast };
export const play = (
  seen: Observation,
  without: readonly string[] = ['n1'],
  change: Partial<Question> = {},
): Rehearsal => {
  const answer = rehearse(seen, { ...question, ...change, without });
  if ('kind' in answer) assert.fail(`unknown names: ${answer.names.join()}`);
  return answer;
};
export const standing = (answer: Rehearsal, name: string) => answer.members.find((one) => one.name === name);
export const rulesAgainst = (answer: Rehearsal, name: string) =>
  standing(answer, name)?.objections.map(({ rule }) => rule);

export const here = lsn('0/5000100');
/** n1 leads; both standbys answer and have all there is. */
export const healthy: Observation = { ...leading, peers: [peer('n2', here), peer('n3', here)] };
/** The same cluster, seen by n2. */
export const byStandby: Observation = {
  ...following,
  peers: [peer('n1', here, { runsAsPrimary: true, noPrimary: false, role: 'primary' }), peer('n3', here)],
};
