import { isObject, parseJson } from '../codec/dcs/json.ts';
import { askOwn } from './askAgents.ts';
import type { Ctl, CtlDoors } from './doors.ts';
import { readCluster } from './doors.ts';
import { CtlError } from './problem.ts';
import { askMember } from './request.ts';
import { type JournalLine, journalLine, lineText } from './whyText.ts';

export interface WhyOptions {
  /** Null: the node of this configuration. */
  readonly member: string | null;
  readonly last: number;
  readonly format: 'pretty' | 'json';
  /** Also those entries in which nothing was done and nothing changed. */
  readonly all: boolean;
}

/** What an agent did, by which rule, because of what, and what it passed over; also when that agent is dead. */
export async function why(ctl: Ctl, options: WhyOptions): Promise<void> {
  const lines = await readJournal(ctl, options.member, options.all ? options.last : options.last * 20);
  const told = (options.all ? lines : lines.filter((line, i) => isTelling(line, lines[i - 1]))).slice(-options.last);
  const text =
    options.format === 'json'
      ? told.map((line) => `${JSON.stringify(line.raw)}\n`).join('')
      : told.map((line) => lineText(line, ctl.doors.terminal.isScreen)).join('');
  ctl.doors.terminal.out(text === '' ? 'The journal is empty.\n' : text);
}

/** A decision that repeats the one before tells nothing new. */
const isTelling = (line: JournalLine, before: JournalLine | undefined): boolean =>
  line.kind !== 'decided' || line.rule !== before?.rule || line.did.some(({ action }) => action !== 'renewLease');

async function readJournal(ctl: Ctl, member: string | null, limit: number): Promise<readonly JournalLine[]> {
  const { node } = ctl.settings;
  if (member !== null && member !== node?.name) {
    const answer = await askOther(ctl, member, limit);
    if (typeof answer !== 'string') return answer;
    throw new CtlError(`the agent of ${member} does not answer (${answer}): run why on that node`);
  }
  if (node === null) throw new CtlError('this configuration is of no node: name a member, or give -c its file');
  const reply = await askOwn(ctl, `/journal?limit=${limit}`, 3_000);
  const answer = linesFrom(reply?.kind === 'answered' ? reply : { status: 0, body: reply?.why ?? '' });
  if (typeof answer !== 'string') return answer;
  const path = `${node.stateDir}/journal.jsonl`;
  const kept = node.stateDir === null ? null : await readFiles(ctl.doors, path);
  if (kept === null) throw new CtlError(`the agent does not answer (${answer}), and ${path} cannot be read`);
  return kept.slice(-limit);
}

async function askOther(ctl: Ctl, name: string, limit: number): Promise<readonly JournalLine[] | string> {
  const { members } = await readCluster(ctl);
  const member = members.find((one) => one.name === name);
  if (member === undefined) throw new CtlError(`Member ${name} does not exist in cluster ${ctl.scope}`);
  const reply = await askMember(ctl, member, 'GET', `/journal?limit=${limit}`, undefined, 3000);
  return linesFrom(reply.kind === 'answered' ? reply : { status: 0, body: reply.why });
}

/** A list of entries, an object that holds one, or an entry a line. Text: why it is none of these. */
function linesFrom({
  status,
  body,
}: {
  readonly status: number;
  readonly body: string;
}): readonly JournalLine[] | string {
  if (status !== 200) return status === 0 ? body : `status ${status}`;
  const value = parseJson(body);
  const list = Array.isArray(value) ? value : isObject(value) && Array.isArray(value.entries) ? value.entries : null;
  return list === null ? linesOf(body) : list.flatMap(journalLine);
}

const linesOf = (text: string): readonly JournalLine[] =>
  text.split('\n').flatMap((line) => (line.trim() === '' ? [] : journalLine(parseJson(line))));

/** The file before the last turn comes first. */
async function readFiles({ files }: CtlDoors, path: string): Promise<readonly JournalLine[] | null> {
  const [older, newer] = await Promise.all([files.read(`${path}.1`), files.read(path)]);
  if (newer.kind !== 'text' && older.kind !== 'text') return null;
  return [older, newer].flatMap((file) => (file.kind === 'text' ? linesOf(file.text) : []));
}
