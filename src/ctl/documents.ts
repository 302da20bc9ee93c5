import { isObject, type JsonObject, parseJson } from '../codec/dcs/json.ts';
import { askOwn } from './askAgents.ts';
import { type Ctl, readCluster } from './doors.ts';
import { refuse } from './problem.ts';
import { askMember } from './request.ts';

/** What an agent keeps a file of each in a folder of its state directory, and tells at a path of the same name. */
export type DocumentKind = 'incidents' | 'reports';

/** Oldest first. Of this node from its disk, where it can be read; else what the agent says, which leaves out what makes it long. */
export async function readDocuments(
  ctl: Ctl,
  member: string | null,
  kind: DocumentKind,
): Promise<readonly JsonObject[]> {
  const kept = isOther(ctl, member) ? null : await readFolder(ctl, kind);
  if (kept !== null) return kept;
  const list = await ask(ctl, member, kind, '');
  return Array.isArray(list) ? list.filter(isObject) : refuse(`the agent is of a version that keeps no ${kind}`);
}

/** The one whose id begins so, or the `last`; whole: it has what a list of the agent leaves out. */
export async function readDocument(
  ctl: Ctl,
  member: string | null,
  kind: DocumentKind,
  id: string,
  whole: (one: JsonObject) => boolean,
): Promise<JsonObject> {
  const all = await readDocuments(ctl, member, kind);
  const fitting = id === 'last' ? all.slice(-1) : all.filter((one) => String(one.id).startsWith(id));
  const [found] = fitting;
  if (found === undefined)
    return refuse(id === 'last' ? `there are no ${kind}` : `there is no ${kind.slice(0, -1)} ${id}`);
  if (fitting.length > 1) return refuse(`several begin with ${id}: ${fitting.map((one) => one.id).join(', ')}`);
  return whole(found) ? found : askForOne(ctl, member, kind, String(found.id));
}

async function askForOne(ctl: Ctl, member: string | null, kind: DocumentKind, id: string): Promise<JsonObject> {
  const one = await ask(ctl, member, kind, `/${encodeURIComponent(id)}`);
  return isObject(one) ? one : refuse(`the agent does not tell of ${id}`);
}

const isOther = ({ settings }: Ctl, member: string | null): boolean =>
  member !== null && member !== settings.node?.name;

async function readFolder({ settings, doors }: Ctl, kind: DocumentKind): Promise<readonly JsonObject[] | null> {
  const stateDir = settings.node?.stateDir ?? null;
  if (stateDir === null) return null;
  const folder = `${stateDir}/${kind}`;
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

async function ask(ctl: Ctl, name: string | null, kind: DocumentKind, rest: string): Promise<unknown> {
  const { node } = ctl.settings;
  const path = `/${kind}${rest}`;
  const reply = isOther(ctl, name) ? await askOther(ctl, name ?? '', path) : await askOwn(ctl, path, 3_000);
  if (reply === null) return refuse('this configuration is of no node: name a member (-m), or give -c its file');
  if (reply.kind === 'answered' && reply.status === 200) return parseJson(reply.body);
  const why = reply.kind === 'answered' ? `status ${reply.status}` : reply.why;
  if (isOther(ctl, name)) return refuse(`the agent of ${name} does not answer (${why}): run this on that node`);
  return refuse(`the agent does not answer (${why}), and ${node?.stateDir}/${kind} cannot be read`);
}

async function askOther(ctl: Ctl, name: string, path: string) {
  const { members } = await readCluster(ctl);
  const member = members.find((one) => one.name === name);
  return member === undefined
    ? refuse(`Member ${name} does not exist in cluster ${ctl.scope}`)
    : askMember(ctl, member, 'GET', path, undefined, 3_000);
}
