import { type Figure, figuresOf, judgeTarget, ratioOf } from './figures.ts';
import type { Spread } from './statistics.ts';
import type { AgentResult, BenchResult, FaultName, WriteCounts } from './words.ts';

/** The comparison as text: medians, the worst in parentheses where there is more than one. */
export function tableOf(result: BenchResult): string {
  const { options, agents, cores, otherLabs } = result;
  const names = agents.map(({ agent, version }) => (version === null ? agent : `${agent} ${version}`));
  const figures = figuresOf(result);
  const rows = figures.map((figure) => ({ section: figure.section, cells: cellsOf(figure, agents) }));
  const counts = options.faults.map((fault) => ({ section: countsSection, cells: countCells(fault, agents) }));
  const head = ['', ...names, 'better', 'target'];
  const times = options.times === 1 ? 'each fault once' : `each fault ${options.times} times: median (worst)`;
  return [
    `3 nodes on ${cores} cores, ttl ${options.ttlS} s, two clients with a write every 10 ms; ${times}`,
    ...(otherLabs > 0 ? ['another lab ran on this machine at the same time: these figures are of little worth'] : []),
    ...layOut(head, [...rows, ...counts]),
    '',
  ].join('\n');
}

const countsSection = 'writes lost / doubled / unknown, of all';

interface Row {
  readonly section: string;
  readonly cells: readonly string[];
}

function cellsOf(figure: Figure, agents: readonly AgentResult[]): readonly string[] {
  const ratio = ratioOf(figure);
  return [
    figure.name,
    ...agents.map(({ agent }) => spreadText(figure, figure.spreads[agent])),
    ratio === null ? '' : `${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)}×`,
    targetText(figure),
  ];
}

function spreadText({ decimals, unit }: Figure, spread: Spread | undefined): string {
  if (spread === undefined) return '-';
  const number = (value: number): string => value.toFixed(decimals);
  const worst = spread.count > 1 ? ` (${number(spread.worst)})` : '';
  return `${number(spread.median)}${worst}${unit === '' ? '' : ` ${unit}`}`;
}

function targetText(figure: Figure): string {
  const { target, unit } = figure;
  if (target === null) return '';
  const wanted = target.kind === 'atMost' ? `≤ ${target.value} ${unit}` : `≥ ${target.value}×`;
  const verdict = judgeTarget(figure);
  return verdict === null ? wanted : `${wanted} ${verdict}`;
}

function countCells(fault: FaultName, agents: readonly AgentResult[]): readonly string[] {
  const sum = (agent: AgentResult, count: keyof WriteCounts): number =>
    agent.runs.filter((run) => run.fault === fault).reduce((total, { writes }) => total + writes[count], 0);
  const cells = agents.map((agent) => {
    const [lost, doubled, unknown] = [sum(agent, 'lost'), sum(agent, 'doubled'), sum(agent, 'unknown')];
    const all = sum(agent, 'acknowledged') + sum(agent, 'failed') + unknown;
    const splitBrains = sum(agent, 'splitBrains');
    const split = splitBrains > 0 ? `, TWO PRIMARIES ${splitBrains} times` : '';
    return `${lost} / ${doubled} / ${unknown} of ${all}${split}`;
  });
  return [fault, ...cells, '', ''];
}

/** Columns as wide as their widest cell; a heading where a section begins. */
function layOut(head: readonly string[], rows: readonly Row[]): readonly string[] {
  const indent = '  ';
  const all = [head, ...rows.map(({ cells: [first = '', ...rest] }) => [indent + first, ...rest])];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd();
  const [title = [], ...lines] = all.map(line);
  return [
    String(title),
    ...lines.flatMap((text, at) => {
      const section = rows[at]?.section ?? '';
      return section === rows[at - 1]?.section ? [text] : [section, text];
    }),
  ];
}
