import { isObject, parseJson } from '../codec/dcs/json.ts';
import type { Member } from '../model/cluster.ts';
import { type Ctl, readCluster } from './doors.ts';
import { askMember, codeAndText } from './request.ts';

/** What runs on each member; without names, on all that have an agent. */
export async function memberVersions(ctl: Ctl, names: readonly string[]): Promise<void> {
  const { members } = await readCluster(ctl);
  ctl.say('');
  for (const member of members) {
    if (member.apiUrl === null || (names.length > 0 && !names.includes(member.name))) continue;
    ctl.say(`${member.name}: ${await versionOf(ctl, member)}`);
  }
}

async function versionOf(ctl: Ctl, member: Member): Promise<string> {
  const reply = await askMember(ctl, member, 'GET', '/patroni', undefined, 10_000);
  const status = reply.kind === 'answered' ? parseJson(reply.body) : undefined;
  if (!isObject(status)) return `failed to get version: ${codeAndText(reply).text.trimEnd()}`;
  const agent = isObject(status.patroni) ? status.patroni : {};
  const server = typeof status.server_version === 'number' ? ` PostgreSQL ${dotted(status.server_version)}` : '';
  return `Patroni ${String(agent.version ?? member.version ?? 'unknown')}${server}`;
}

/** 150020 is 15.20, 90602 is 9.6.2. */
function dotted(version: number): string {
  const major = Math.floor(version / 10_000);
  if (major >= 10) return `${major}.${version % 10_000}`;
  return `${major}.${Math.floor(version / 100) % 100}.${version % 100}`;
}
