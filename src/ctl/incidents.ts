import { isObject, type JsonObject, parseJson } from '../codec/dcs/json.ts';
import { askOwn } from './askAgents.ts';
import { type Ctl, readCluster } from './doors.ts';
import { incidentText, listText } from './incidentText.ts';
import { refuse } from './problem.ts';
import { askMember } from './request.ts';
import { asJson, jsonText, yamlText } from './text.ts';

export interface IncidentOptions {
  /** Null: the node of this configuration. */
  readonly member: string | null;
  readonly format: 'pretty' | 'tsv' | 'json' | 'yaml';
}

/** The newest changes of role that a node went through, or saw. */
export async function listIncidents(ctl: Ctl, count: number, { member, format }: IncidentOptions): Promise<void> {
  const all = await readAll(ctl, member);
  const newest = count === 0 ? [] : all.slice(-count);
  const { out } = ctl.doors.terminal;
  switch (format) {
    case 'pretty':
    case 'tsv':
      return out(newest.length === 0 && format === 'pretty' ? 'No incidents.\n' : listText(newest, format));
    case 'json':
      return out(`${jsonText(asJson(newest.map(withoutEvidence)))}\n`);
    case 'yaml':
      return out(yamlText(asJson(newest.map(withoutEvidence))));
    default:
      return format satisfies never;
  }
}

const withoutEvidence = ({ evidence: _evidence, ...rest }: JsonObject): JsonObject => rest;

/** One of them, whole: `id` is its beginning, or `last`. */
export async function showIncident(ctl: Ctl, id: string, { member, format }: IncidentOptions): Promise<void> {
  const all = await readAll(ctl, member);
  const fitting = id === 'last' ? all.slice(-1) : all.filter((one) => String(one.id).startsWith(id));
  const [found] = fitting;
  if (found === undefined) return refuse(id === 'last' ? 'there are no incidents' : `there is no incident ${id}`);
  if (fitting.length > 1) return refuse(`several begin with ${id}: ${fitting.map((one) => one.id).join(', ')}`);
  const whole = Array.isArray(found.evidence) ? found : await askForOne(ctl, member, String(found.id));
  const { out, isScreen } = ctl.doors.terminal;
  if (format === 'json') return out(`${jsonText(asJson(whole))}\n`);
  out(format === 'yaml' ? yamlText(asJson(whole)) : incidentText(whole, isScreen));
}

/** Oldest first. Of this node from its disk, where it can be read; else what the agent says, which leaves the evidence out. */
async function readAll(ctl: Ctl, member: string | null): Promise<readonly JsonObject[]> {
  const kept = isOther(ctl, member) ? null : await readFolder(ctl);
  if (kept !== null) return kept;
  const list = await ask(ctl, member, '/incidents');
  return Array.isArray(list) ? list.filter(isObject) : refuse('the agent is of a version that keeps no incidents');
}

async function askForOne(ctl: Ctl, member: string | null, id: string): Promise<JsonObject> {
  const one = await ask(ctl, member, `/incidents/${encodeURIComponent(id)}`);
  return isObject(one) ? one : refuse(`the agent does not tell of ${id}`);
}

const isOther = ({ settings }: Ctl, member: string | null): boolean =>
  member !== null && member !== settings.node?.name;

async function readFolder({ settings, doors }: Ctl): Promise<readonly JsonObject[] | null> {
  const stateDir = settings.node?.stateDir ?? null;
  if (stateDir === null) return null;
  const folder = `${stateDir}/incidents`;
  const listing = await doors.files.list(folder);
  if (listing.kind === 'absent') return (await doors.files.list(stateDir)).kind === 'entries' ? [] : null;
  if (listing.kind !== 'entries') return null;
  const names = listing.names.filter((name) => name.endsWith('.json')).toSorted();
  const texts = await Promise.all(names.map((name) => doors.files.read(`${folder}/${name}`)));
  if (texts.some(({ kind }) => kind === 'unreadable')) return null;
  return texts.flatMap((file) => {
    const value = file.kind === 'text' ? parseJson(file.text) : null;
    return isObject(value) && typeof value.id === 'string' ? [value] : [];
  });
}

async function ask(ctl: Ctl, name: string | null, path: string): Promise<unknown> {
  const { node } = ctl.settings;
  const reply = isOther(ctl, name) ? await askOther(ctl, name ?? '', path) : await askOwn(ctl, path, 3_000);
  if (reply === null) return refuse('this configuration is of no node: name a member (-m), or give -c its file');
  if (reply.kind === 'answered' && reply.status === 200) return parseJson(reply.body);
  const why = reply.kind === 'answered' ? `status ${reply.status}` : reply.why;
  if (isOther(ctl, name)) return refuse(`the agent of ${name} does not answer (${why}): run this on that node`);
  return refuse(`the agent does not answer (${why}), and ${node?.stateDir}/incidents cannot be read`);
}

async function askOther(ctl: Ctl, name: string, path: string) {
  const { members } = await readCluster(ctl);
  const member = members.find((one) => one.name === name);
  return member === undefined
    ? refuse(`Member ${name} does not exist in cluster ${ctl.scope}`)
    : askMember(ctl, member, 'GET', path, undefined, 3_000);
}
