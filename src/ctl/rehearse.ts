import { isObject, type JsonObject } from '../codec/dcs/json.ts';
import { askAnyone } from './askAgents.ts';
import type { Ctl } from './doors.ts';
import { refuse } from './problem.ts';
import { asJson, type Format, jsonText, tsvText, yamlText } from './text.ts';
import { factText } from './whyText.ts';

/** What would happen without these: an agent plays it with its own decision core. Without names: without the leader. */
export async function rehearse(ctl: Ctl, without: readonly string[], format: Format): Promise<void> {
  const names = without.flatMap((some) => some.split(',')).map((name) => name.trim());
  const document = await askAnyone(ctl, rehearsePath(names.filter((name) => name !== '')), null);
  ctl.doors.terminal.out(rehearsalText(document, format));
}

/** What keeps a member from being promoted, if the leader went now. Its own agent is asked first: it knows most. */
export async function whyNot(ctl: Ctl, name: string, format: Format): Promise<void> {
  const document = await askAnyone(ctl, rehearsePath([]), name);
  const members = listOf(document.members).filter(isObject);
  const standing = members.find((member) => member.name === name);
  const { out } = ctl.doors.terminal;
  if (standing === undefined && document.leader !== name) {
    const known = [
      ...members.map((member) => String(member.name)),
      ...(document.leader ? [String(document.leader)] : []),
    ];
    refuse(`Member ${name} does not exist in cluster ${ctl.scope} (members: ${known.sort().join(', ')})`);
  }
  const answer = { member: name, leader: document.leader, standing, answer: document.answer, seen: document.seen };
  if (format === 'json') return out(`${jsonText(asJson(answer))}\n`);
  if (format === 'yaml') return out(yamlText(asJson(answer)));
  if (standing === undefined) return out(`${name} leads already.\n`);
  if (format === 'tsv') return out(membersTsv([standing]));
  const leader = document.leader === null ? 'Nobody leads' : `${document.leader} leads`;
  const passed = listOf(standing.nothing_against).map(String);
  const against = listOf(standing.against).length;
  out(
    [
      `${leader}. ${sentence(String(document.answer))}`,
      ...memberLines(standing),
      ...(against === 0 ? [`  no rule speaks against ${name}`] : []),
      ...(passed.length === 0 ? [] : [`  has nothing against it: ${passed.join(', ')}`]),
      seenLine(document),
    ]
      .map((line) => `${line}\n`)
      .join(''),
  );
}

const rehearsePath = (names: readonly string[]): string =>
  `/rehearse?fresh=1${names.length === 0 ? '' : `&without=${names.map(encodeURIComponent).join(',')}`}`;

/** The document of an agent, also of another version: nothing in it is taken for granted. */
export function rehearsalText(document: JsonObject, format: Format): string {
  if (format === 'json') return `${jsonText(asJson(document))}\n`;
  if (format === 'yaml') return yamlText(asJson(document));
  const members = listOf(document.members).filter(isObject);
  if (format === 'tsv') return membersTsv(members);
  const phases = listOf(document.phases).filter(isObject);
  const lines = [
    sentence(String(document.answer)),
    ...(phases.length === 0 ? [] : ['', '  phase          least   typical      most', ...phases.map(phaseLine)]),
    ...(members.length === 0 ? [] : ['', ...members.flatMap(memberLines)]),
    '',
    ...estimateLine(document),
    seenLine(document),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

function phaseLine(phase: JsonObject): string {
  const times = [phase.least_ms, phase.typical_ms, phase.most_ms].map((ms) => seconds(ms).padStart(10)).join('');
  return `  ${String(phase.phase).padEnd(10)}${times}  ${String(phase.about)}`;
}

const seconds = (ms: unknown): string => (typeof ms === 'number' ? `${(ms / 1_000).toFixed(1)} s` : '-');

function memberLines(member: JsonObject): readonly string[] {
  const behind = member.behind_bytes === null ? '' : `, ${member.behind_bytes} bytes behind`;
  const at = member.position === null ? '' : `  at ${member.position}${behind}`;
  const head = `  ${String(member.name).padEnd(12)}  ${String(member.verdict)}${at}`;
  return [
    head,
    ...againstOf(member).flatMap(({ rule, reason, because }) => [
      `    ${rule === null ? '' : `${rule}: `}${reason}`,
      ...(because === '' ? [] : [`      because  ${because}`]),
    ]),
  ];
}

const againstOf = (member: JsonObject) =>
  listOf(member.against)
    .filter(isObject)
    .map(({ rule, reason, because }) => ({
      rule: typeof rule === 'string' ? rule : null,
      reason: String(reason),
      because: listOf(because).flatMap(factText).join(', '),
    }));

function seenLine({ seen, bytes_seen: how, status_age_ms: statusMs }: JsonObject): string {
  if (!isObject(seen)) return '';
  const apart = typeof how === 'string' && how.includes('itself') ? '; positions are moments apart' : '';
  const age = typeof seen.age_ms === 'number' ? `, ${(seen.age_ms / 1_000).toFixed(1)} s ago` : '';
  const status =
    typeof statusMs === 'number' ? `; the leader's last status came ${(statusMs / 1_000).toFixed(1)} s ago` : '';
  return `Played by the decision core of ${String(seen.by)}, from what it saw${age}${apart}${status}. Nothing was changed.`;
}

/** Where the number of transactions comes from: it is no count. */
function estimateLine({ transactions_at_risk_estimate: lost, estimated_from: from }: JsonObject): readonly string[] {
  if (typeof lost !== 'number' || lost === 0 || !isObject(from)) return [];
  return [
    `Transactions are estimated: since ${String(from.since)} there were ${String(from.transactions)} that wrote, in ${String(from.wal_bytes)} bytes of WAL.`,
  ];
}

const heads = ['Member', 'Verdict', 'Position', 'Behind bytes', 'Rule', 'Reason', 'Because'];

/** A line for each thing that speaks against a member, and one for a member that nothing speaks against. */
const membersTsv = (members: readonly JsonObject[]): string => tsvText([heads, ...members.flatMap(tsvRows)]);

function tsvRows(member: JsonObject): readonly (readonly string[])[] {
  const head = [member.name, member.verdict, member.position ?? '', member.behind_bytes ?? ''].map(String);
  const against = againstOf(member);
  if (against.length === 0) return [[...head, '', '', '']];
  return against.map(({ rule, reason, because }) => [...head, rule ?? '', reason, because]);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
