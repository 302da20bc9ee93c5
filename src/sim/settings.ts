import { readReports } from '../codec/config/reports.ts';
import { readTags } from '../codec/config/tags.ts';
import type { LocalSettings } from '../model/settings.ts';
import type { PeerSettings, PeerVersion } from './patroni/settings.ts';

export const places = {
  dataDir: '/var/lib/postgresql/15/main',
  binDir: '/usr/lib/postgresql/15/bin',
  stateDir: '/var/lib/matriarch',
} as const;

export const postgresPort = 5432;
export const restPort = 8008;

/** What a simulated node's file says. `dcs`: the first content of /config, in Patroni's words. */
export function simulatedSettings(
  name: string,
  endpoints: readonly string[],
  dcs: Readonly<Record<string, unknown>>,
): LocalSettings {
  const login = (username: string) => ({ username, password: 'secret', ssl: {} });
  return {
    scope: 'sim',
    name,
    namespace: '/service/',
    stateDir: places.stateDir,
    probes: [],
    reports: readReports({}),
    etcd: { endpoints, srv: null, useProxies: false, username: null, password: null, tls: null },
    rest: {
      listen: { host: '0.0.0.0', port: restPort },
      connectAddress: { host: name, port: restPort },
      authentication: null,
      tls: null,
      allowlist: [],
      allowlistIncludeMembers: false,
      httpExtraHeaders: {},
      httpsExtraHeaders: {},
    },
    ctl: { insecure: false, cacert: null, certFile: null, keyFile: null, authentication: null },
    watchdog: { mode: 'automatic', device: '/dev/watchdog', safetyMarginMs: 5000, guard: 'any' },
    tags: readTags({}, () => {}),
    log: { level: 'INFO', type: 'plain' },
    bootstrap: { dcs, initdb: [['data-checksums', null]], pgHba: [], postInit: null, users: [] },
    postgres: {
      listenAddresses: '0.0.0.0',
      port: postgresPort,
      connectAddress: { host: name, port: postgresPort },
      proxyAddress: null,
      dataDir: places.dataDir,
      configDir: places.dataDir,
      binDir: places.binDir,
      binNames: {},
      database: 'postgres',
      pgpass: '/tmp/pgpass',
      superuser: login('postgres'),
      replication: login('replicator'),
      rewind: null,
      section: {
        parameters: { unix_socket_directories: '/tmp' },
      },
    },
  };
}

/** The same node, when it is a Patroni's. */
export const peerSettings = (
  name: string,
  version: PeerVersion,
  endpoints: readonly string[],
  dcs: Readonly<Record<string, unknown>>,
): PeerSettings => ({
  name,
  version,
  endpoints,
  dcs,
  scope: 'sim',
  namespace: '/service/',
  dataDir: places.dataDir,
  binDir: places.binDir,
  postgresPort,
  restPort,
});
