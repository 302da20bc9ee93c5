import type { Verdict } from '../verdict/verdict.ts';
import { byScenario, type Campaign, endedEarly } from './campaign.ts';
import { layOut } from './layOut.ts';
import { errorsBy, lawsBroken, median, sum, twoPrimaries } from './words.ts';

type Cell = (verdicts: readonly Verdict[]) => string;

const gaps: Readonly<Record<string, Cell>> = {
  passed: (verdicts) => `${verdicts.filter(({ passed }) => passed).length} of ${verdicts.length}`,
  write: (verdicts) => median(verdicts.map((one) => one.gaps['direct write'].gapMs)),
  'by HAProxy': (verdicts) => median(verdicts.map((one) => one.gaps['proxied write'].gapMs)),
  streaming: (verdicts) => median(verdicts.map(({ streamingAgainMs }) => streamingAgainMs)),
};
const fates: Readonly<Record<string, Cell>> = {
  lost: (verdicts) => String(sum(verdicts, ({ writes }) => writes.lost)),
  doubled: (verdicts) => String(sum(verdicts, ({ writes }) => writes.doubled)),
  unknown: (verdicts) => String(sum(verdicts, ({ writes }) => writes.unknown)),
  errors: (verdicts) => String(errorsBy(verdicts, ['direct write', 'direct read'])),
  'by HAProxy': (verdicts) => String(errorsBy(verdicts, ['proxied write', 'proxied read'])),
  'two primaries': twoPrimaries,
  'laws broken': (verdicts) => String(lawsBroken(verdicts)),
};

/** Two campaigns side by side, scenario by scenario: another agent, another version, another day. */
export function compare(now: Campaign, before: Campaign): string {
  const others = new Map(byScenario(before.verdicts).map((group) => [group[0].scenario, group]));
  const groups = byScenario(now.verdicts);
  const table = (columns: Readonly<Record<string, Cell>>): readonly string[] =>
    layOut(
      ['scenario', ...Object.keys(columns)],
      groups.map((group) => {
        const { scenario } = group[0];
        const other = others.get(scenario) ?? [];
        const cells = Object.values(columns).map((of) => `${of(group)} / ${other.length === 0 ? '-' : of(other)}`);
        return [scenario, ...cells];
      }),
    );
  return [
    `${about(now)} / ${about(before)}`,
    '',
    'Longest time without an answer, after the first fault or act; of several runs the median',
    ...table(gaps),
    '',
    'What became of the writes, and which errors the clients met, over all runs',
    ...table(fates),
    '',
  ].join('\n');
}

function about(campaign: Campaign): string {
  const { agentCommand, ttlS, startedWall } = campaign;
  const early = endedEarly(campaign);
  return `${agentCommand}, ttl ${ttlS} s, ${startedWall.slice(0, 16).replace('T', ' ')}${early === null ? '' : ` (${early})`}`;
}
