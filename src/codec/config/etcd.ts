import type { EtcdSettings } from '../../model/settings.ts';
import type { ConfigFile } from './schema.ts';

/** One of hosts, host, url, proxy, srv; the endpoints become URLs. */
export function readEtcd(section: NonNullable<ConfigFile['etcd3']>, wrong: (what: string) => void): EtcdSettings {
  const named = section.url ?? section.proxy;
  const protocol = section.protocol ?? (section.cacert !== undefined || section.cert !== undefined ? 'https' : 'http');
  let { username, password } = section;
  const endpoints: string[] = [];
  if (named !== undefined) {
    const url = parseUrl(named);
    if (url === null) wrong(`${JSON.stringify(named.replace(/\/\/[^@]*@/, '//'))} is no URL`);
    else {
      endpoints.push(`${url.protocol}//${url.hostname}:${url.port || '2379'}`);
      if (url.username !== '') username ??= decodeURIComponent(url.username);
      if (url.password !== '') password ??= decodeURIComponent(url.password);
    }
  }
  const hosts = section.hosts ?? (section.host === undefined ? [] : [section.host]);
  for (const host of hosts) {
    const bare = host.replace(/^https?:\/\//, '');
    const withPort = /:\d+$/.test(bare) ? bare : `${bare}:${section.port ?? 2379}`;
    if (parseUrl(`${protocol}://${withPort}`) === null) wrong(`${JSON.stringify(host)} is no host:port`);
    else endpoints.push(`${host.startsWith('https://') ? 'https' : protocol}://${withPort}`);
  }
  const srv = section.srv ?? section.discovery_srv ?? section.srv_domain ?? null;
  if (named === undefined && hosts.length === 0 && srv === null)
    wrong('no way to find etcd is given: set hosts, host, url or srv');
  const secure =
    endpoints.some((one) => one.startsWith('https:')) || section.cacert !== undefined || section.cert !== undefined;
  return {
    endpoints,
    srv,
    useProxies: section.use_proxies ?? section.proxy !== undefined,
    username: username ?? null,
    password: password ?? null,
    tls: secure ? { ca: section.cacert ?? null, cert: section.cert ?? null, key: section.key ?? null } : null,
  };
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
