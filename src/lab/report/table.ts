import { type PhaseName, phaseNames } from '../verdict/phases.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { counted } from '../verdict/words.ts';
import { byScenario, type Campaign, complaintsOf, endedEarly, failedOf } from './campaign.ts';
import { layOut } from './layOut.ts';
import { errorsBy, lawsBroken, readsText, spread, sum, twoPrimaries } from './words.ts';

type Group = readonly [Verdict, ...Verdict[]];

/** The verdict for a terminal of 120 columns: as readable in a pipe, without any colour. */
export function tableOf(campaign: Campaign): string {
  const { verdicts, ttlS, cores, otherLabs, agentCommand } = campaign;
  const groups = byScenario(verdicts);
  const failed = failedOf(campaign);
  const early = endedEarly(campaign);
  const several = groups.some((group) => group.length > 1) ? ' (of several runs: median–worst)' : '';
  return [
    `${agentCommand}, ttl ${ttlS} s, ${cores} cores; four clients with 50 statements a second each`,
    ...(otherLabs > 0 ? ['another lab ran on this machine at the same time: these figures are of little worth'] : []),
    '',
    `Longest time without an answer, after the first fault or act${several}`,
    ...layOut(['scenario', 'verdict', 'write', 'by HAProxy', 'read', 'by HAProxy', 'streaming'], groups.map(gapRow)),
    '',
    'What became of the writes, which errors the clients met, and what had to hold',
    ...layOut(
      [
        'scenario',
        ...['lost', 'doubled', 'unknown', 'errors', 'by HAProxy'],
        ...['two primaries', 'laws broken', 'expected'],
      ],
      groups.map(writesRow),
    ),
    '',
    `Phases, since the first fault or act, until the first acknowledged write of each path${several}`,
    ...layOut(['scenario', ...phaseNames.map((name) => shortPhases[name] ?? name)], groups.map(phaseRow)),
    ...(failed.length === 0 ? [] : ['', 'What did not hold', ...failed.flatMap(complaintLines)]),
    '',
    ...staleReads(verdicts),
    `${counted(groups.length, 'scenario')}, ${counted(verdicts.length, 'run')}: ${verdicts.length - failed.length} passed, ${failed.length} failed${memory(verdicts)}`,
    ...(early === null ? [] : [early]),
    '',
  ].join('\n');
}

/** Asynchronous standbys answer from before: how far that went, in words, since it broke nothing. */
function staleReads(verdicts: readonly Verdict[]): readonly string[] {
  const [stalest] = verdicts.toSorted((a, b) => (b.reads.stalestMs ?? 0) - (a.reads.stalestMs ?? 0));
  if (stalest === undefined || stalest.reads.reads === 0) return [];
  return [`${readsText(stalest.reads)} (${stalest.scenario}, the stalest)`, ''];
}

function memory(verdicts: readonly Verdict[]): string {
  const most = Math.max(...verdicts.map(({ memoryMb }) => memoryMb ?? 0));
  return most > 0 ? `; the whole lab took at most ${most} MB of memory` : '';
}

function gapRow(group: Group): readonly string[] {
  const passed = group.filter((one) => one.passed).length;
  const verdict =
    group.length === 1
      ? passed === 1
        ? 'passed'
        : 'FAILED'
      : `${passed === group.length ? '' : 'FAILED '}${passed}/${group.length}`;
  return [
    group[0].scenario,
    verdict,
    spread(group.map(({ gaps }) => gaps['direct write'].gapMs)),
    spread(group.map(({ gaps }) => gaps['proxied write'].gapMs)),
    spread(group.map(({ gaps }) => gaps['direct read'].gapMs)),
    spread(group.map(({ gaps }) => gaps['proxied read'].gapMs)),
    spread(group.map(({ streamingAgainMs }) => streamingAgainMs)),
  ];
}

function writesRow(group: Group): readonly string[] {
  const kept = sum(group, ({ expectations }) => expectations.filter(({ held }) => held).length);
  return [
    group[0].scenario,
    String(sum(group, ({ writes }) => writes.lost)),
    String(sum(group, ({ writes }) => writes.doubled)),
    String(sum(group, ({ writes }) => writes.unknown)),
    String(errorsBy(group, ['direct write', 'direct read'])),
    String(errorsBy(group, ['proxied write', 'proxied read'])),
    twoPrimaries(group),
    `${lawsBroken(group)} of ${Math.min(...group.map(({ judged }) => judged.length))}`,
    `${kept} of ${sum(group, ({ expectations }) => expectations.length)}`,
  ];
}

const shortPhases: Readonly<Partial<Record<PhaseName, string>>> = {
  'first acknowledged write': 'first write',
  'routed by HAProxy': 'by HAProxy',
};

function phaseRow(group: Group): readonly string[] {
  return [
    group[0].scenario,
    ...phaseNames.map((name) =>
      spread(group.map(({ phases }) => phases.find((phase) => phase.name === name)?.afterMs ?? null)),
    ),
  ];
}

function complaintLines(verdict: Verdict): readonly string[] {
  const known = verdict.red === null ? [] : [`    known: ${verdict.red}`];
  return [`  ${verdict.scenario}, run ${verdict.run}`, ...complaintsOf(verdict).map((one) => `    ${one}`), ...known];
}
