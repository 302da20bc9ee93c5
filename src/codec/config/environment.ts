import { patchConfig } from './patch.ts';

/** PATRONI_* name → where it goes. Lists are comma text, which the schema splits. */
const simple: Readonly<Record<string, readonly string[]>> = {
  NAME: ['name'],
  SCOPE: ['scope'],
  NAMESPACE: ['namespace'],
  LOG_LEVEL: ['log', 'level'],
  LOGLEVEL: ['log', 'level'],
  LOG_TYPE: ['log', 'type'],
  LOG_DIR: ['log', 'dir'],
  RESTAPI_LISTEN: ['restapi', 'listen'],
  RESTAPI_CONNECT_ADDRESS: ['restapi', 'connect_address'],
  RESTAPI_CERTFILE: ['restapi', 'certfile'],
  RESTAPI_KEYFILE: ['restapi', 'keyfile'],
  RESTAPI_KEYFILE_PASSWORD: ['restapi', 'keyfile_password'],
  RESTAPI_CAFILE: ['restapi', 'cafile'],
  RESTAPI_CIPHERS: ['restapi', 'ciphers'],
  RESTAPI_VERIFY_CLIENT: ['restapi', 'verify_client'],
  RESTAPI_ALLOWLIST: ['restapi', 'allowlist'],
  RESTAPI_ALLOWLIST_INCLUDE_MEMBERS: ['restapi', 'allowlist_include_members'],
  RESTAPI_USERNAME: ['restapi', 'authentication', 'username'],
  RESTAPI_PASSWORD: ['restapi', 'authentication', 'password'],
  CTL_INSECURE: ['ctl', 'insecure'],
  CTL_CACERT: ['ctl', 'cacert'],
  CTL_CERTFILE: ['ctl', 'certfile'],
  CTL_KEYFILE: ['ctl', 'keyfile'],
  CTL_USERNAME: ['ctl', 'authentication', 'username'],
  CTL_PASSWORD: ['ctl', 'authentication', 'password'],
  POSTGRESQL_LISTEN: ['postgresql', 'listen'],
  POSTGRESQL_CONNECT_ADDRESS: ['postgresql', 'connect_address'],
  POSTGRESQL_PROXY_ADDRESS: ['postgresql', 'proxy_address'],
  POSTGRESQL_CONFIG_DIR: ['postgresql', 'config_dir'],
  POSTGRESQL_DATA_DIR: ['postgresql', 'data_dir'],
  POSTGRESQL_PGPASS: ['postgresql', 'pgpass'],
  POSTGRESQL_BIN_DIR: ['postgresql', 'bin_dir'],
};
const roles = ['superuser', 'replication', 'rewind'] as const;
const loginKeys = [
  'username',
  'password',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslrootcert',
  'sslcrl',
  'sslcrldir',
  'gssencmode',
  'channel_binding',
  'sslnegotiation',
];
const etcdKeys = [
  'host',
  'hosts',
  'port',
  'protocol',
  'srv',
  'srv_suffix',
  'url',
  'proxy',
  'use_proxies',
  'cacert',
  'cert',
  'key',
  'username',
  'password',
];

/** The environment is stronger than the file, key by key; empty values count as absent. */
export function overlayEnvironment(value: unknown, env: Readonly<Record<string, string>>): unknown {
  let result = value;
  const put = (path: readonly string[], text: string): void => {
    result = patchConfig(
      result,
      path.toReversed().reduce<unknown>((inner, key) => ({ [key]: inner }), text),
    );
  };
  const given = (name: string): string | null => (env[`PATRONI_${name}`] ?? '') || null;
  for (const [name, path] of Object.entries(simple)) {
    const text = given(name);
    if (text !== null) put(path, text);
  }
  for (const role of roles)
    for (const key of loginKeys) {
      const text = given(`${role}_${key}`.toUpperCase());
      if (text !== null) put(['postgresql', 'authentication', role, key], text);
    }
  for (const section of ['etcd3', 'etcd']) {
    const set = etcdKeys.flatMap((key) => {
      const text = given(`${section}_${key}`.toUpperCase());
      return text === null ? [] : [[key, text] as const];
    });
    // A user name alone does not make a section.
    if (
      set.some(([key]) => key !== 'username' && key !== 'password') ||
      (typeof result === 'object' && result !== null && section in result)
    ) {
      for (const [key, text] of set) put([section, key], key === 'hosts' ? text.replaceAll("'", '') : text);
    }
  }
  return result;
}
