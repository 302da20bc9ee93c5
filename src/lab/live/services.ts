import { get } from 'node:http';
import type { ProxyPicture } from '../../model/live.ts';
import { askService, parsed } from '../ask.ts';
import type { Machine } from '../ground.ts';
import type { HostPorts } from '../plan.ts';

/** How etcd and HAProxy are, asked of them. */

const limitMs = 700;

/** What a member of etcd says of itself: leader, follower, no leader. Null: it does not answer. */
export async function askEtcd(machine: Machine): Promise<string | null> {
  const question = { method: 'POST', port: 2379, path: '/v3/maintenance/status', body: '{}' } as const;
  const answer = await askService(machine, question, limitMs);
  return answer === null ? null : etcdNote(parsed(answer.body));
}

/** Ids are texts here: they exceed 2^53. */
export function etcdNote(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null) return null;
  const header = 'header' in answer && typeof answer.header === 'object' ? answer.header : null;
  if (header === null || !('member_id' in header)) return null;
  const leader = 'leader' in answer ? answer.leader : '0';
  if (leader === '0') return 'no leader';
  return leader === header.member_id ? 'leader' : 'follower';
}

/** What HAProxy tells on its page of statistics, through the host's port. Null: it does not answer. */
export function askProxies(ports: HostPorts): Promise<readonly ProxyPicture[] | null> {
  return new Promise((settle) => {
    const asked = get(
      { host: '127.0.0.1', port: ports.statistics, path: '/;csv', agent: false, timeout: limitMs },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (more) => {
          text += more;
        });
        answer.on('end', () => settle(answer.statusCode === 200 ? readProxies(text, ports) : null));
        answer.on('error', () => settle(null));
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => settle(null));
  });
}

export function readProxies(csv: string, ports: Pick<HostPorts, 'writes' | 'reads'>): readonly ProxyPicture[] {
  const [head = '', ...lines] = csv.replace(/^# /, '').split('\n');
  const names = head.split(',');
  const rows = lines.map((line) => {
    const fields = line.split(',');
    return (name: string): string => fields[names.indexOf(name)] ?? '';
  });
  return (['writes', 'reads'] as const).map((name) => ({
    name,
    port: ports[name],
    servers: rows
      .filter((field) => field('pxname') === name && !['FRONTEND', 'BACKEND', ''].includes(field('svname')))
      .map((field) => ({
        name: field('svname'),
        up: field('status').startsWith('UP'),
        sessions: Number(field('scur')) || 0,
      })),
  }));
}
