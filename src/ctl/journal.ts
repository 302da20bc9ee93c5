import { isObject, parseJson } from '../codec/dcs/json.ts';
import { askOwn } from './askAgents.ts';
import type { Ctl, CtlDoors } from './doors.ts';
import { readCluster } from './doors.ts';
import { CtlError } from './problem.ts';
import { askMember } from './request.ts';
import { type JournalLine, journalLine } from './whyText.ts';

/** The newest entries of a node, oldest first: from its agent, or, of this node's dead one, from the disk. */
export async function readJournal(ctl: Ctl, member: string | null, limit: number): Promise<readonly JournalLine[]> {
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

const inMemory = 1_000;

/** As far back as it is kept: of this node from the disk, where that can be read; of another what its agent has in memory. */
export async function readWholeJournal(ctl: Ctl, member: string | null): Promise<readonly JournalLine[]> {
  const { node } = ctl.settings;
  const isMine = node !== null && (member === null || member === node.name);
  const kept = isMine && node.stateDir !== null ? await readFiles(ctl.doors, `${node.stateDir}/journal.jsonl`) : null;
  return kept ?? readJournal(ctl, member, inMemory);
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
