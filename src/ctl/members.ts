import { writeSchedule } from '../codec/dcs/schedule.ts';
import type { Cluster, Initialize } from '../model/cluster.ts';
import { factsOf } from './facts.ts';
import { type MemberRow, memberRows } from './rows.ts';
import { type Column, tableLines } from './table.ts';
import { flowYaml, type Json, jsonText, yamlText } from './text.ts';
import { asTree } from './topology.ts';

export type Format = 'pretty' | 'topology' | 'tsv' | 'json' | 'yaml';

export interface ShowOptions {
  readonly format: Format;
  /** All columns, also those that are empty. */
  readonly extended?: boolean;
}

/** The members of a cluster as `list` and `topology` print them, with the line break at the end. */
export function membersText(cluster: Cluster, scope: string, { format, extended = false }: ShowOptions): string {
  const rows = memberRows(cluster);
  switch (format) {
    case 'pretty':
    case 'topology': {
      const shown = format === 'topology' ? asTree(rows, cluster) : rows.map((row) => ({ row, name: row.member.name }));
      return prettyText(cluster, scope, shown, format, extended);
    }
    case 'tsv':
      return tsvText(scope, rows, extended);
    case 'json':
      return `${jsonText(rows.map((row) => recordOf(scope, row)))}\n`;
    case 'yaml':
      return `${yamlText(rows.map((row) => recordOf(scope, row)))}\n`;
    default:
      return format satisfies never;
  }
}

interface Cell extends Column {
  /** As tsv and json call it, where that differs. */
  readonly key?: string;
  readonly optional?: boolean;
  /** Patroni has no such column: it is not among all columns, either. */
  readonly ours?: boolean;
  readonly text: (row: MemberRow, name: string, format: Format) => string;
}

const lag = (mib: number | null): string => (mib === null ? '' : String(mib));

const cells: readonly Cell[] = [
  { name: 'Member', text: (_row, name) => name },
  { name: 'Host', text: (row) => row.host },
  { name: 'Role', text: (row) => titleCase(row.role) },
  { name: 'State', text: (row) => row.state },
  { name: 'TL', right: true, text: (row) => String(row.timeline ?? '') },
  { name: 'Receive LSN', right: true, text: (row) => row.receive.lsn },
  { name: 'Lag', key: 'Receive Lag', right: true, text: (row) => lag(row.receive.lagMib) },
  { name: 'Replay LSN', right: true, text: (row) => row.replay.lsn },
  { name: 'Lag', key: 'Replay Lag', right: true, text: (row) => lag(row.replay.lagMib) },
  { name: 'Pending restart', optional: true, text: (row) => (row.pendingRestart ? '*' : '') },
  {
    name: 'Pending restart reason',
    optional: true,
    text: (row, _name, format) =>
      (format === 'tsv' ? row.reasons : row.reasons.map(shortened)).join(format === 'tsv' ? ', ' : '\n'),
  },
  { name: 'Scheduled restart', optional: true, text: (row) => row.scheduledRestart },
  {
    name: 'Tags',
    optional: true,
    text: ({ tags }, _name, format) =>
      tags === null ? '' : format === 'pretty' ? yamlText(tags).trimEnd() : flowYaml(tags),
  },
  { name: 'Needs operator', optional: true, ours: true, text: ({ need }) => need },
];

const shortened = (reason: string): string =>
  reason.length > 50 ? `${reason.slice(0, reason.indexOf(':'))}: [hidden - too long]` : reason;

/** Optional columns appear when asked for, or when a member with a host has something in them. */
const cellsFor = (rows: readonly MemberRow[], format: Format, extended: boolean): readonly Cell[] =>
  cells.filter(
    ({ optional, ours, text }) =>
      optional !== true ||
      (extended && ours !== true) ||
      rows.some((row) => row.host !== '' && text(row, row.member.name, format) !== ''),
  );

function prettyText(
  cluster: Cluster,
  scope: string,
  shown: readonly { readonly row: MemberRow; readonly name: string }[],
  format: Format,
  extended: boolean,
): string {
  const columns = cellsFor(
    shown.map(({ row }) => row),
    format,
    extended,
  );
  const lines = tableLines(
    columns,
    shown.map(({ row, name }) => columns.map(({ text }) => text(row, name, format))),
    ` Cluster: ${scope} (${initText(cluster.initialize)}) `,
  );
  return [...lines, ...serviceLines(cluster)].map((line) => `${line}\n`).join('');
}

function tsvText(scope: string, rows: readonly MemberRow[], extended: boolean): string {
  const columns = cellsFor(rows, 'tsv', extended);
  const head = ['Cluster', ...columns.map(({ name, key }) => key ?? name)];
  const body = rows.map((row) => [scope, ...columns.map(({ text }) => text(row, row.member.name, 'tsv'))]);
  return [head, ...body].map((line) => `${line.join('\t')}\n`).join('');
}

/** Empty fields are left out; numbers stay numbers, tags an object. */
function recordOf(scope: string, row: MemberRow): { readonly [name: string]: Json } {
  const fields: readonly (readonly [string, Json])[] = [
    ['Cluster', scope],
    ['Member', row.member.name],
    ['Host', row.host],
    ['Role', titleCase(row.role)],
    ['State', row.state],
    ['TL', row.timeline],
    ['Receive LSN', row.receive.lsn],
    ['Receive Lag', row.receive.lagMib],
    ['Replay LSN', row.replay.lsn],
    ['Replay Lag', row.replay.lagMib],
    ['Pending restart', row.pendingRestart ? '*' : ''],
    ['Pending restart reason', row.reasons.join('\n')],
    ['Scheduled restart', row.scheduledRestart],
    ['Tags', row.tags],
    ['Needs operator', row.need],
  ];
  return Object.fromEntries(fields.filter(([, value]) => value !== '' && value !== null));
}

const titleCase = (role: string): string =>
  role
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(' ');

function initText(initialize: Initialize): string {
  switch (initialize.kind) {
    case 'absent':
      return 'uninitialized';
    case 'bootstrapping':
      return 'initializing';
    case 'done':
      return initialize.systemId;
    case 'invalid':
      return initialize.text;
    default:
      return initialize satisfies never;
  }
}

function serviceLines(cluster: Cluster): readonly string[] {
  const { failover } = cluster;
  const at = failover?.scheduledAt ?? null;
  return [
    ...(factsOf(cluster).paused ? [' Maintenance mode: on'] : []),
    ...(failover === null || at === null
      ? []
      : [
          ` Switchover scheduled at: ${writeSchedule(at)}`,
          ...(failover.leader === null ? [] : [` ${'from'.padStart(23)}: ${failover.leader}`]),
          ...(failover.candidate === null ? [] : [` ${'to'.padStart(23)}: ${failover.candidate}`]),
        ]),
  ];
}
