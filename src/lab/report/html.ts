import { legendOf, seconds } from '../../picture/lanes.ts';
import { escaped, page } from '../../picture/page.ts';
import { clientPaths, clientRate } from '../clients.ts';
import type { Evidence } from '../scenario/evidence.ts';
import { wordsOf } from '../verdict/phases.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { ms } from '../verdict/words.ts';
import { type Campaign, complaintsOf, endedEarly, failedOf } from './campaign.ts';
import { drawEvidence } from './picture.ts';
import { slowestMs } from './plot.ts';
import { errorsBy, lawsBroken, readsText, twoPrimaries } from './words.ts';

/** A run as a section of the page: made when its evidence is at hand, kept as text. */
export function sectionOf(verdict: Verdict, evidence: Evidence): string {
  const { passed, title, scenario, run, description, red } = verdict;
  const complaints = complaintsOf(verdict).map((one) => `<p class="found">${escaped(one)}</p>`);
  return `<section id="${idOf(verdict)}"><h2><b class="${passed ? 'well' : 'ill'}">${passed ? 'passed' : 'failed'}</b> ${escaped(title)} <small>${escaped(scenario)}, run ${run}</small></h2>
<p>${escaped(description)}</p>
${complaints.join('\n')}${red === null ? '' : `<p>Known: ${escaped(red)}</p>`}
${evidence.nodes.length === 0 ? '' : `<figure>${drawEvidence(evidence)}<figcaption>${legend}</figcaption></figure>`}
<div class="side">${phasesTable(verdict)}${gapsTable(verdict)}${expectationsTable(verdict)}</div>
<details><summary>What happened, step by step</summary>${storyTable(evidence)}</details></section>`;
}

export function htmlOf(campaign: Campaign, sections: readonly string[]): string {
  const { verdicts, agentCommand, ttlS, cores, startedWall } = campaign;
  const failed = failedOf(campaign).length;
  const early = endedEarly(campaign);
  const rows = verdicts.map(
    (verdict) =>
      `<tr><td><b class="${verdict.passed ? 'well' : 'ill'}">${verdict.passed ? 'passed' : 'failed'}</b></td><td><a href="#${idOf(verdict)}">${escaped(verdict.title)}</a></td>${[
        ...clientPaths.map((path) => cell(verdict.gaps[path].gapMs)),
        cell(verdict.streamingAgainMs),
        `<td>${verdict.writes.lost} / ${verdict.writes.doubled} / ${verdict.writes.unknown}</td>`,
        `<td>${errorsBy([verdict], clientPaths)}</td><td>${twoPrimaries([verdict])}</td>`,
        `<td>${lawsBroken([verdict])} of ${verdict.judged.length}</td>`,
      ].join('')}</tr>`,
  );
  const heads = [
    '',
    'scenario',
    ...clientPaths.map((path) => `${path} gap`),
    'all stream again',
    'lost / doubled / unknown',
    'errors',
    'two primaries',
    'laws broken',
  ];
  const title = `Matriarch, failure lab: ${verdicts.length - failed} of ${verdicts.length} passed${early === null ? '' : ', ended before its time'}`;
  return page(
    title,
    style,
    `<p>${escaped(agentCommand)}, ttl ${ttlS} s, ${cores} cores, ${escaped(startedWall.slice(0, 16).replace('T', ' '))} UTC. Gaps are the longest time without an answer, after the first fault.</p>
${early === null ? '' : `<p class="found"><b class="ill">${escaped(early)}</b></p>`}
<div class="wide"><table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>
${sections.join('\n')}`,
  );
}

const idOf = ({ scenario, run }: Verdict): string => `${scenario.replace(/[^\w-]/g, '-')}-${run}`;
const cell = (value: number | null): string => `<td>${value === null ? '–' : ms(value)}</td>`;

const phasesTable = ({ phases }: Verdict): string =>
  `<table><caption>Phases, since the first fault or act</caption><tbody>${phases
    .map(
      ({ name, afterMs, by }) =>
        `<tr><td>${name}</td>${afterMs === null ? '<td>–</td>' : `<td>${Math.round(afterMs)} ms</td>`}<td><small>${escaped(by)}</small></td></tr>`,
    )
    .join('')}</tbody></table>`;

function gapsTable({ gaps, errors, writes, reads }: Verdict): string {
  const rows = clientPaths.map((path) => {
    const wrong = Object.entries(errors[path]).map(([error, times]) => `${error} ${times}×`);
    return `<tr><td>${path}</td>${cell(gaps[path].gapMs)}<td><small>${escaped(wrong.join(', '))}</small></td></tr>`;
  });
  const { acknowledged, failed, unknown, unknownPresent, lost, doubled, reordered } = writes;
  const counts = `${acknowledged} acknowledged, ${failed} failed, ${unknown} unknown (${unknownPresent} of them there), ${lost} lost, ${doubled} doubled, ${reordered} reordered`;
  return `<table><caption>Longest gaps, and errors</caption><tbody>${rows.join('')}<tr><td>writes</td><td colspan="2">${counts}</td></tr><tr><td>reads</td><td colspan="2">${readsText(reads)}</td></tr></tbody></table>`;
}

const expectationsTable = ({ expectations, judged, laws, streamingAgainMs }: Verdict): string =>
  `<table><caption>Expected</caption><tbody>${[
    {
      text: `no law broken (judged: ${judged.join(', ')}): never two primaries, nothing lost beyond the bound, nothing doubled or reordered`,
      held: laws.length === 0,
      measured: laws.length === 0 ? 'none' : `${laws.length}`,
    },
    ...expectations,
  ]
    .map(
      ({ text, held, measured }) =>
        `<tr><td><b class="${held ? 'well' : 'ill'}">${held ? '✓' : '✗'}</b> ${escaped(text)}</td><td>${escaped(measured)}</td></tr>`,
    )
    .join('')}<tr><td>all replicas stream again</td>${cell(streamingAgainMs)}</tr></tbody></table>`;

function storyTable({ steps, leaderKey, journals, fromMs, untilMs }: Evidence): string {
  const lines = [
    ...steps.map((step) => ({ atMs: step.fromMs, who: 'scenario', text: step.text, of: step.nature as string })),
    ...leaderKey
      .filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs)
      .map(({ atMs, holder }) => ({
        atMs,
        who: 'etcd',
        text: holder === null ? 'the leader key is gone' : `the leader key is ${holder}'s`,
        of: 'key',
      })),
    ...journals.map((seen) => ({ atMs: seen.atMs, who: seen.node, text: wordsOf(seen), of: 'agent' })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  const rows = lines.map(
    ({ atMs, who, text, of }) =>
      `<tr class="${of}"><td>${seconds(atMs - fromMs)}</td><td>${escaped(who)}</td><td>${escaped(text)}</td></tr>`,
  );
  return `<table><tbody>${rows.join('\n')}</tbody></table>`;
}

const legend = legendOf([
  ['primary', 'primary, as its witness sees it over the socket'],
  ['standby', 'standby'],
  ['stopped', 'takes no connections'],
  ['right', 'holds the leader key'],
  ['served', `answers a second, up to ${clientRate}`],
  ['slow', `slowest answer, up to ${slowestMs} ms`],
  ['gap', 'client not served'],
  ['fault', 'fault; failed or unknown statement'],
  ['mended', 'remedy or act'],
]);

const style = `
:root{--served:#8c959f;--slow:#0969da;--gap:#bf3989;--well:#1a7f37}
@media(prefers-color-scheme:dark){:root{--served:#6e7681;--slow:#58a6ff;--gap:#f778ba;--well:#3fb950}}
.served{fill:var(--served)}.gap{fill:var(--gap)}.slow{fill:none;stroke:var(--slow)}i.served{background:var(--served)}i.slow{background:var(--slow)}i.gap{background:var(--gap)}
.path{text-anchor:end;font-size:10px}td:nth-child(2){white-space:nowrap}td[colspan]{white-space:normal}.side td:first-child{min-width:90px}.step{stroke:var(--ink);stroke-dasharray:2 3;opacity:.5}.step.fault{stroke:var(--fault);opacity:1}
.well{color:var(--well)}.ill{color:var(--fault)}a{color:inherit}h2{font-size:16px;margin:36px 0 4px}h2 small{font-weight:400;opacity:.7}
table{border-collapse:collapse}caption{text-align:left;font-weight:600}th{text-align:left;font-weight:600}td,th{padding:2px 14px 2px 0;vertical-align:top}
td{border-top:1px solid var(--faint);font-variant-numeric:tabular-nums}.side{display:flex;flex-wrap:wrap;gap:8px 40px}.side table{flex:1 1 320px}
.wide{overflow-x:auto}.wide td{white-space:nowrap}summary{cursor:pointer;margin:8px 0}details td:first-child{white-space:nowrap}
tr.fault td{fill:none;color:var(--fault)}tr.fault,tr.act,tr.remedy,tr.key{font-weight:600}figcaption span{display:inline-block}
@media(max-width:700px){body{margin:10px}figure{overflow-x:auto}svg{min-width:900px}}`;
