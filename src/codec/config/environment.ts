import { parse } from 'yaml';
import { patchConfig } from './patch.ts';
import { pythonYaml } from './python.ts';

/** PATRONI_* name → where it goes. */
const simple: Readonly<Record<string, readonly string[]>> = {
  NAME: ['name'],
  SCOPE: ['scope'],
  NAMESPACE: ['namespace'],
  THREAD_POOL_SIZE: ['thread_pool_size'],
  THREAD_STACK_SIZE: ['thread_stack_size'],
  LOGLEVEL: ['log', 'level'],
  LOGFORMAT: ['log', 'format'],
  LOG_DATEFMT: ['log', 'dateformat'],
  ...within('log', [
    'type',
    'level',
    'traceback_level',
    'format',
    'dateformat',
    'max_queue_size',
    'dir',
    'mode',
    'file_size',
    'file_num',
    'deduplicate_heartbeat_logs',
  ]),
  ...within('restapi', [
    'listen',
    'connect_address',
    'certfile',
    'keyfile',
    'keyfile_password',
    'cafile',
    'ciphers',
    'verify_client',
    'allowlist_include_members',
    'request_queue_size',
    'server_tokens',
  ]),
  RESTAPI_USERNAME: ['restapi', 'authentication', 'username'],
  RESTAPI_PASSWORD: ['restapi', 'authentication', 'password'],
  ...within('ctl', ['insecure', 'cacert', 'certfile', 'keyfile', 'keyfile_password']),
  CTL_USERNAME: ['ctl', 'authentication', 'username'],
  CTL_PASSWORD: ['ctl', 'authentication', 'password'],
  ...within('postgresql', [
    'listen',
    'connect_address',
    'proxy_address',
    'config_dir',
    'data_dir',
    'pgpass',
    'bin_dir',
  ]),
  ...Object.fromEntries(
    ['pg_ctl', 'initdb', 'pg_controldata', 'pg_basebackup', 'postgres', 'pg_isready', 'pg_rewind'].map((name) => [
      `POSTGRESQL_BIN_${name.toUpperCase()}`,
      ['postgresql', 'bin_name', name],
    ]),
  ),
  ...Object.fromEntries(
    (['superuser', 'replication', 'rewind'] as const).flatMap((role) =>
      [
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
      ].map((key) => [`${role}_${key}`.toUpperCase(), ['postgresql', 'authentication', role, key]]),
    ),
  ),
};
/** YAML inside: a list, also as `'a:1','b:2'`, or a mapping, also without braces. */
const lists: Readonly<Record<string, readonly string[]>> = { RESTAPI_ALLOWLIST: ['restapi', 'allowlist'] };
const mappings: Readonly<Record<string, readonly string[]>> = {
  LOG_STATIC_FIELDS: ['log', 'static_fields'],
  LOG_LOGGERS: ['log', 'loggers'],
  RESTAPI_HTTP_EXTRA_HEADERS: ['restapi', 'http_extra_headers'],
  RESTAPI_HTTPS_EXTRA_HEADERS: ['restapi', 'https_extra_headers'],
};
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

export interface Overlaid {
  readonly value: unknown;
  /** By dotted path: the variable that said it, for complaints. */
  readonly from: ReadonlyMap<string, string>;
}

/** The environment is stronger than the file, key by key; empty values count as absent. */
export function overlayEnvironment(value: unknown, env: Readonly<Record<string, string>>): Overlaid {
  let result = value;
  const from = new Map<string, string>();
  const put = (path: readonly string[], name: string, read: (text: string) => unknown = (text) => text): void => {
    const text = env[`PATRONI_${name}`] ?? '';
    if (text === '') return;
    result = patchConfig(
      result,
      path.toReversed().reduce<unknown>((inner, key) => ({ [key]: inner }), read(text)),
    );
    from.set(path.join('.'), `PATRONI_${name}`);
  };
  for (const [name, path] of Object.entries(simple)) put(path, name);
  for (const [name, path] of Object.entries(lists)) put(path, name, readList);
  for (const [name, path] of Object.entries(mappings)) put(path, name, readMapping);
  for (const section of ['etcd3', 'etcd']) {
    const names = etcdKeys.map((key) => [key, `${section}_${key}`.toUpperCase()] as const);
    const makesSection = names.some(
      ([key, name]) => key !== 'username' && key !== 'password' && (env[`PATRONI_${name}`] ?? '') !== '',
    );
    // A user name alone does not make a section.
    if (makesSection || (typeof result === 'object' && result !== null && section in result))
      for (const [key, name] of names) put([section, key], name, key === 'hosts' ? readList : undefined);
  }
  return { value: result, from };
}

function within(section: string, keys: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(keys.map((key) => [`${section}_${key}`.toUpperCase(), [section, key]]));
}

function readList(text: string): unknown {
  const value = readYaml(/^\s*(-\s|\[)/.test(text) ? text : `[${text}]`);
  return Array.isArray(value) ? value : text;
}

function readMapping(text: string): unknown {
  const value = readYaml(/^\s*\{/.test(text) ? text : `{${text}}`) ?? readYaml(text);
  return value ?? text;
}

/** What is no YAML goes on as the text it is, and the schema says what is wrong with that. */
function readYaml(text: string): unknown {
  try {
    return parse(text, pythonYaml);
  } catch {
    return undefined;
  }
}
