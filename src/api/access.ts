import { timingSafeEqual } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { RestSettings } from '../model/settings.ts';
import { type Reply, text } from './reply.ts';
import { isSafe } from './routes.ts';

/** Who asks. */
export interface Caller {
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly authorization: string | undefined;
  /** What a browser tells of the page that asks; no other client does. */
  readonly origin?: string | undefined;
  /** By which name this agent was asked, here and at a proxy before it. */
  readonly hosts?: readonly (string | undefined)[];
  /** Showed a certificate that our CAs vouch for. */
  readonly certified: boolean;
}

export type Access = (caller: Caller) => Promise<Reply | null>;

/** Null lets through. Only what changes something is guarded: allowlist, then client certificate, then password. */
export function makeAccess(rest: RestSettings, memberHosts: () => readonly string[]): Access {
  const wanted = rest.authentication;
  const header =
    wanted === null ? null : `Basic ${Buffer.from(`${wanted.username}:${wanted.password}`).toString('base64')}`;
  const allowed = rest.allowlist.length === 0 ? Promise.resolve(new BlockList()) : listOf(rest.allowlist);

  async function mayCome({ address, method, path }: Caller): Promise<boolean> {
    // The members' addresses come from etcd: they must not matter to whoever asks because etcd is away.
    const members = rest.allowlistIncludeMembers && !(method === 'POST' && /^\/failsafe([/?]|$)/.test(path));
    if (!members && rest.allowlist.length === 0) return true;
    if (contains(await allowed, address)) return true;
    return members && contains(await listOf(memberHosts()), address);
  }

  return async (caller) => {
    if (isSafe(caller.method)) return null;
    // A browser can be made to send anything by any site, with the password that it remembers, and from within the allowlist.
    if (caller.origin !== undefined && !isOwnPage(caller.origin, caller.hosts ?? [])) return text(403, elsewhere);
    if (!(await mayCome(caller))) return text(403, 'Access is denied');
    const { tls } = rest;
    if (tls !== null && tls.verifyClient !== 'none' && !caller.certified)
      return text(403, 'client certificate required');
    if (header === null) return null;
    if (caller.authorization === undefined) return unauthorized('no auth header received');
    return same(caller.authorization, header) ? null : unauthorized('not authenticated');
  };
}

export const elsewhere = 'asked from another site than this page';
export const isOwnPage = (origin: string, hosts: readonly (string | undefined)[]): boolean =>
  hosts.some((host) => host !== undefined && host !== '' && hostIn(origin) === host.toLowerCase());
const hostIn = (origin: string): string => origin.toLowerCase().replace(/^https?:\/\//, '');

const unauthorized = (why: string): Reply => ({
  kind: 'text',
  status: 401,
  text: why,
  headers: { 'WWW-Authenticate': 'Basic realm="Patroni"' },
});

/** Takes as long for a near miss as for a far one. */
function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Addresses, networks and names; a name that cannot be resolved lets nobody in. */
async function listOf(entries: readonly string[]): Promise<BlockList> {
  const list = new BlockList();
  await Promise.all(
    entries.map(async (entry) => {
      const [net = '', bits] = entry.trim().split('/', 2);
      const kind = isIP(net);
      if (kind !== 0 && bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 6 ? 128 : 32))
        list.addSubnet(net, Number(bits), kind === 6 ? 'ipv6' : 'ipv4');
      else if (kind !== 0 && bits === undefined) list.addAddress(net, kind === 6 ? 'ipv6' : 'ipv4');
      else if (bits === undefined && net !== '')
        for (const { address, family } of await lookup(net, { all: true }).catch(() => []))
          list.addAddress(address, family === 6 ? 'ipv6' : 'ipv4');
    }),
  );
  return list;
}

/** On a dual-stack socket an IPv4 caller looks like `::ffff:192.0.2.1`. */
function contains(list: BlockList, address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
}
