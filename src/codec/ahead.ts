import type { Memory } from '../model/observation.ts';
import { lsn, lsnText, term } from '../model/units.ts';
import { isObject, parseJson } from './dcs/json.ts';

export const aheadFile = (stateDir: string): string => `${stateDir}/ahead.json`;

type Judged = NonNullable<Memory['divergence']>;

/** What the next agent of this node must know of a standby that is ahead of its leader; null: nothing. */
export function writeAhead(divergence: Memory['divergence']): string | null {
  if (divergence?.verdict !== 'ahead' || divergence.ahead === undefined) return null;
  const { leader, term: reign, ahead } = divergence;
  const told = { leader, term: String(reign), mine: lsnText(ahead.mine), leaderWas: lsnText(ahead.leader) };
  return `${JSON.stringify(told)}\n`;
}

/** Null: nobody can read that. */
export function readAhead(text: string): Judged | null {
  const value = parseJson(text);
  if (!isObject(value) || typeof value.leader !== 'string' || !isNumber(value.term)) return null;
  if (!isPosition(value.mine) || !isPosition(value.leaderWas)) return null;
  const ahead = { mine: lsn(value.mine), leader: lsn(value.leaderWas) };
  return {
    leader: value.leader,
    leaderTimeline: null,
    term: term(BigInt(value.term)),
    verdict: 'ahead',
    rewound: false,
    ahead,
  };
}

const isNumber = (value: unknown): value is string => typeof value === 'string' && /^\d{1,20}$/.test(value);
const isPosition = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(value);
