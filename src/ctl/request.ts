import type { CtlSettings } from '../codec/config/ctl.ts';
import type { Member } from '../model/cluster.ts';
import type { HttpReply } from '../model/world.ts';
import type { Ctl } from './doors.ts';
import type { Json } from './text.ts';

/** Asks a member's agent. Commands that wait for the end of a switchover or restart take long. */
export function askMember(
  ctl: Ctl,
  member: Member,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: Json,
  limitMs = 300_000,
): Promise<HttpReply> {
  if (member.apiUrl === null) return Promise.resolve({ kind: 'silent', why: 'its api_url is not known' });
  let url: string;
  try {
    url = new URL(path, member.apiUrl).href;
  } catch {
    return Promise.resolve({ kind: 'silent', why: `its api_url cannot be read: ${member.apiUrl}` });
  }
  return askUrl(ctl, url, method, body, limitMs);
}

export function askUrl(
  { http, settings }: Pick<Ctl, 'http' | 'settings'>,
  url: string,
  method: string,
  body: Json | undefined,
  limitMs: number,
): Promise<HttpReply> {
  return http.request(url, {
    method,
    headers: { ...authorization(settings), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    limitMs,
  });
}

function authorization({ ctl, rest }: CtlSettings): Readonly<Record<string, string>> {
  const login = ctl.authentication ?? rest.authentication;
  if (login === null) return {};
  return { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` };
}

/** Status and text for a `Failed: …` line; a silent member counts as 503. */
export const codeAndText = (reply: HttpReply): { readonly status: number; readonly text: string } =>
  reply.kind === 'answered' ? { status: reply.status, text: reply.body } : { status: 503, text: reply.why };

/** `Failed: restart for member node1, status code=503, (…)` */
export function failedLine(action: string, member: string, reply: HttpReply): string {
  const { status, text } = codeAndText(reply);
  return `Failed: ${action} for member ${member}, status code=${status}, (${text.trimEnd()})`;
}
