import { isObject, type JsonObject, parseJson } from '../codec/dcs/json.ts';
import type { HttpReply } from '../model/world.ts';
import { leaderFirst } from './choose.ts';
import type { Ctl } from './doors.ts';
import { CtlError } from './problem.ts';
import { askMember, askUrl } from './request.ts';

const limitMs = 5_000;

/** The agent of this configuration's node, at the address that its file tells; null: the file is of no node. */
export function askOwn(ctl: Ctl, path: string, limit = limitMs): Promise<HttpReply> | null {
  const { node, rest } = ctl.settings;
  if (node === null) return null;
  const { host, port } = node.api;
  const name = host.includes(':') ? `[${host}]` : host;
  return askUrl(ctl, `${rest.tls === null ? 'http' : 'https'}://${name}:${port}${path}`, 'GET', undefined, limit);
}

/**
 * A question that any agent can answer: those of `first`, then the leader's, then the others', until one answers with
 * an `answer`. Without etcd: this node's own. What an agent refuses with 404 is refused.
 */
export async function askAnyone(ctl: Ctl, path: string, first: string | null): Promise<JsonObject> {
  const failures: string[] = [];
  const read = await ctl.door.read();
  if (read.kind !== 'done') {
    failures.push(`etcd: ${read.why}`);
    const own = await askOwn(ctl, path);
    const document = own === null ? null : documentIn(own, ctl.settings.node?.name ?? '', failures);
    if (document !== null) return document;
  } else {
    const members = leaderFirst(read.value);
    const order = [...members.filter(({ name }) => name === first), ...members.filter(({ name }) => name !== first)];
    for (const member of order) {
      const document = documentIn(await askMember(ctl, member, 'GET', path, undefined, limitMs), member.name, failures);
      if (document !== null) return document;
    }
  }
  throw new CtlError(`no agent answers${failures.length === 0 ? '' : ` (${failures.join('; ')})`}`);
}

function documentIn(reply: HttpReply, name: string, failures: string[]): JsonObject | null {
  if (reply.kind === 'silent') {
    failures.push(`${name}: ${reply.why}`);
    return null;
  }
  const document = parseJson(reply.body);
  // Another program, Patroni say, takes an unknown path for a health check, and may answer 200.
  const isAnswer = isObject(document) && typeof document.answer === 'string';
  if (reply.status === 200 && isAnswer) return document;
  const said = isObject(document) && typeof document.error === 'string' ? document.error : `status ${reply.status}`;
  const members = isObject(document) && Array.isArray(document.members) ? document.members.map(String) : [];
  if (reply.status === 404 && members.length > 0) throw new CtlError(`${said} (members: ${members.join(', ')})`);
  failures.push(`${name}: ${said}`);
  return null;
}
