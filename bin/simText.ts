import type { RunReport } from '../src/sim/report.ts';
import type { RunPlan } from '../src/sim/run.ts';
import { classedIn, type Tally } from '../src/sim/tally.ts';

export interface Summary {
  readonly tally: Tally;
  /** All there are. */
  readonly rules: readonly string[];
  readonly commit: string;
  readonly from: number;
  readonly minutes: number;
  readonly elapsedMs: number;
}

/** The command that repeats one run, with its story. */
export function commandOf({ seed, safetyMs, members, peers, mode, faults, writeEveryMs }: RunPlan): string {
  const options = [
    `--seed ${hex(seed)}`,
    `--minutes ${safetyMs / 60_000}`,
    ...(writeEveryMs === 1000 ? [] : [`--write-every-ms ${writeEveryMs}`]),
    ...(members === null ? [] : [`--members ${members}`]),
    ...(mode === 'async' ? [] : [`--mode ${mode}`]),
    ...(peers === null ? [] : [`--peers ${peers}`]),
    ...(faults === null ? [] : [`--faults '${faults.join(',')}'`]),
  ];
  return `matriarch simulate ${options.join(' ')} --story`;
}

/** Every time that an assumption was broken in a run: which, where, when and what came of it. */
export const classedText = ({ plan, broken }: RunReport): string =>
  broken.map(({ text }) => `seed ${hex(plan.seed)}: ${text}`).join('\n');

export function brokenText(report: RunReport, commit: string): string {
  const { plan, settings, findings, lastLines, members } = report;
  const laws = [...new Set(findings.map(({ law, kind }) => `${law === null ? '' : `law ${law} `}(${kind})`))];
  return [
    `seed ${hex(plan.seed)} broke ${laws.join(', ')} at commit ${commit}; ${members} members, ${JSON.stringify(settings)}`,
    ...findings.slice(0, 5).map(({ text }) => `  ${text.slice(0, 1500)}`),
    findings.some(({ atMs }) => atMs !== null) ? '  its story up to there:' : '  the end of its story:',
    ...lastLines.map((line) => `  ${line.slice(0, 220)}`),
    `  ${commandOf(plan)}`,
  ].join('\n');
}

export function progressText({ runs, virtualMs, broken, promotions }: Tally, of: number, elapsedMs: number): string {
  const perS = (runs / elapsedMs) * 1000;
  const left = perS > 0 ? `, ${Math.round((of - runs) / perS)} s left` : '';
  return (
    `${runs} of ${of} runs, ${perS.toFixed(2)}/s, ${hours(virtualMs)} virtual hours, ${promotions} promotions, ` +
    `${broken.length === 0 ? 'all laws held' : `${broken.length} broke a law`}${left}`
  );
}

/** Of one run without a finding of ours. */
export function heldText({ plan, peersOwn }: RunReport): string {
  const own = peersOwn.map(({ law, kind, text }) => `  law ${law} ${kind}: ${text.split('\n')[0]}`);
  return own.length === 0
    ? `seed ${hex(plan.seed)}: all laws held, and the cluster came back by itself`
    : [`seed ${hex(plan.seed)}: our agents kept all laws; the Patroni among them broke its own:`, ...own].join('\n');
}

export function summaryText({ tally, rules, commit, from, minutes, elapsedMs }: Summary): string {
  const fired = rules.filter((name) => tally.rules.has(name));
  const perHour = tally.virtualMs / elapsedMs;
  const verdict =
    tally.broken.length === 0
      ? 'all laws held, and every cluster came back by itself'
      : `${tally.broken.length} runs broke a law: ${tally.broken.map(({ plan }) => hex(plan.seed)).join(', ')}`;
  return `${[
    `${tally.runs} runs from seed ${hex(from)} on, of ${minutes} minutes with faults, at commit ${commit}: ${verdict}`,
    `  time      ${hours(tally.virtualMs)} virtual hours in ${Math.round(elapsedMs / 1000)} s: ${Math.round(perHour)} times as fast as life, ${((tally.runs / elapsedMs) * 1000).toFixed(2)} runs a second`,
    `  events    ${tally.events.toLocaleString('en')}; ${tally.promotions} promotions; ${tally.acknowledged.toLocaleString('en')} acknowledged writes`,
    `  classed   ${classedLine(tally)}`,
    `  faults    ${counts(tally.faults)}`,
    `  rules     ${fired.length} of ${rules.length} decided; never: ${rules.filter((name) => !tally.rules.has(name)).join(', ') || 'none'}`,
    ...(tally.peerRuns === 0
      ? []
      : [
          `  peers     ${tally.peerRuns} runs with a Patroni; runs in which it broke a law itself: ${counts(tally.peersOwn)}`,
        ]),
    '  judged    1 one primary, terms rise · 2 no commit lost beyond the bound · 3 promoted with the lease · 4 no write without the right · 5 no confirmation behind a vote · 6 no data given up without a leader · 7 comes back by itself · 8 whoever leads has said why',
  ].join('\n')}\n`;
}

function classedLine(tally: Tally): string {
  const { runs, times, longestTwoPrimariesMs } = classedIn(tally);
  if (runs === 0) return 'none: what the laws rest on held in every run';
  const longest = tally.classed.find(({ broken }) =>
    broken.some(({ twoPrimariesMs }) => twoPrimariesMs === longestTwoPrimariesMs),
  );
  return `${runs} runs, in which ${times} times what the laws rest on did not hold; the longest window of two primaries: ${(longestTwoPrimariesMs / 1000).toFixed(1)} s (seed ${hex(longest?.plan.seed ?? 0)})`;
}

export function summaryJson({ tally, rules, ...rest }: Summary): string {
  const { faults, rules: decided, peersOwn, broken, classed, ...numbers } = tally;
  const told = {
    ...rest,
    ...numbers,
    faults: Object.fromEntries(faults),
    peersOwn: Object.fromEntries(peersOwn),
    rules: Object.fromEntries(rules.map((name) => [name, decided.get(name) ?? 0])),
    broken: broken.map((report) => ({ ...report, repeat: commandOf(report.plan) })),
    classed: {
      ...classedIn(tally),
      where: classed.map(({ plan, broken: assumptions }) => ({ repeat: commandOf(plan), assumptions })),
    },
  };
  return `${JSON.stringify(told, null, 2)}\n`;
}

const hours = (ms: number): string => (ms / 3.6e6).toFixed(1);
const hex = (seed: number): string => `0x${seed.toString(16)}`;
const counts = (by: ReadonlyMap<string, number>): string =>
  `${[...by.values()].reduce((a, b) => a + b, 0).toLocaleString('en')}: ${[...by]
    .sort(([, a], [, b]) => b - a)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')}`;
