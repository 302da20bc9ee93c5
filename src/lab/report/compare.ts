import { quantile } from '../bench/statistics.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { ms } from '../verdict/words.ts';
import { byScenario, type Campaign } from './campaign.ts';
import { layOut } from './layOut.ts';

/** Two campaigns side by side, scenario by scenario: another agent, another version, another day. Medians where there are several runs. */
export function compare(now: Campaign, before: Campaign): string {
  const others = new Map(byScenario(before.verdicts).map((group) => [group[0].scenario, group]));
  const rows = byScenario(now.verdicts).map((group) => {
    const other = others.get(group[0].scenario) ?? [];
    const both = (of: (verdicts: readonly Verdict[]) => string): string =>
      `${of(group)} / ${other.length === 0 ? 'not run' : of(other)}`;
    return [
      group[0].scenario,
      both((verdicts) => `${verdicts.filter(({ passed }) => passed).length} of ${verdicts.length} passed`),
      both((verdicts) => median(verdicts.map(({ gaps }) => gaps['direct write'].gapMs))),
      both((verdicts) => median(verdicts.map(({ gaps }) => gaps['proxied write'].gapMs))),
      both((verdicts) => median(verdicts.map(({ streamingAgainMs }) => streamingAgainMs))),
      both((verdicts) => String(verdicts.reduce((sum, { writes }) => sum + writes.lost, 0))),
      both((verdicts) => {
        const longestMs = Math.max(...verdicts.map(({ splitBrainMs }) => splitBrainMs));
        return longestMs === 0 ? 'never' : ms(longestMs);
      }),
    ];
  });
  return [
    `${about(now)} / ${about(before)}`,
    ...layOut(['scenario', 'verdict', 'write gap', 'by HAProxy', 'streaming', 'lost', 'two primaries'], rows),
    '',
  ].join('\n');
}

const about = ({ agentCommand, ttlS, startedWall }: Campaign): string =>
  `${agentCommand}, ttl ${ttlS} s, ${startedWall.slice(0, 16).replace('T', ' ')}`;

function median(values: readonly (number | null)[]): string {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  return sorted.length === 0 ? '-' : ms(quantile(sorted, 0.5));
}
