import { quantile } from '../bench/statistics.ts';
import { phaseNames } from '../verdict/phases.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { ms } from '../verdict/words.ts';
import { byScenario, type Campaign, complaintsOf, failedOf } from './campaign.ts';
import { layOut } from './layOut.ts';

/** The verdict for a terminal: as readable in a pipe, without any colour. Of several runs the median, the worst in parentheses. */
export function tableOf(campaign: Campaign): string {
  const { verdicts, ttlS, cores, otherLabs, agentCommand } = campaign;
  const groups = byScenario(verdicts);
  const failed = failedOf(campaign);
  return [
    `${agentCommand}, ttl ${ttlS} s, ${cores} cores; four clients with 50 statements a second each`,
    ...(otherLabs > 0 ? ['another lab ran on this machine at the same time: these figures are of little worth'] : []),
    '',
    'Longest time without an answer, after the first fault or act; what became of the writes',
    ...layOut(
      [
        'scenario',
        'verdict',
        'write',
        'by HAProxy',
        'read',
        'by HAProxy',
        'streaming',
        'lost',
        'doubled',
        'unknown',
        'two primaries',
      ],
      groups.map(gapRow),
    ),
    '',
    'Phases, since the first fault or act',
    ...layOut(['scenario', ...phaseNames], groups.map(phaseRow)),
    ...(failed.length === 0 ? [] : ['', 'What did not hold', ...failed.flatMap(complaintLines)]),
    '',
    `${groups.length} scenarios, ${verdicts.length} runs: ${verdicts.length - failed.length} passed, ${failed.length} failed`,
    '',
  ].join('\n');
}

function gapRow(group: readonly [Verdict, ...Verdict[]]): readonly string[] {
  const passed = group.filter((one) => one.passed).length;
  const verdict =
    group.length === 1
      ? passed === 1
        ? 'passed'
        : 'FAILED'
      : `${passed === group.length ? '' : 'FAILED '}${passed}/${group.length}`;
  const sum = (of: (one: Verdict) => number): number => group.reduce((total, one) => total + of(one), 0);
  const splitBrainMs = Math.max(...group.map((one) => one.splitBrainMs));
  return [
    group[0].scenario,
    verdict,
    spread(group.map(({ gaps }) => gaps['direct write'].gapMs)),
    spread(group.map(({ gaps }) => gaps['proxied write'].gapMs)),
    spread(group.map(({ gaps }) => gaps['direct read'].gapMs)),
    spread(group.map(({ gaps }) => gaps['proxied read'].gapMs)),
    spread(group.map(({ streamingAgainMs }) => streamingAgainMs)),
    String(sum(({ writes }) => writes.lost)),
    String(sum(({ writes }) => writes.doubled)),
    String(sum(({ writes }) => writes.unknown)),
    splitBrainMs === 0 ? 'never' : ms(splitBrainMs),
  ];
}

function phaseRow(group: readonly [Verdict, ...Verdict[]]): readonly string[] {
  return [
    group[0].scenario,
    ...phaseNames.map((name) =>
      spread(group.map(({ phases }) => phases.find((phase) => phase.name === name)?.afterMs ?? null)),
    ),
  ];
}

/** Median and worst of what was measured at all. */
function spread(values: readonly (number | null)[]): string {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const worst = sorted.at(-1);
  if (worst === undefined) return '-';
  return values.length === 1 ? ms(worst) : `${ms(quantile(sorted, 0.5))} (${ms(worst)})`;
}

function complaintLines(verdict: Verdict): readonly string[] {
  const known = verdict.red === null ? [] : [`    known: ${verdict.red}`];
  return [`  ${verdict.scenario}, run ${verdict.run}`, ...complaintsOf(verdict).map((one) => `    ${one}`), ...known];
}
