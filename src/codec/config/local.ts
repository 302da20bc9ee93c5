import { stringify } from 'yaml';
import { asText } from '../../model/scalars.ts';
import type { HostPort, LocalSettings, Login, Options } from '../../model/settings.ts';
import { placeholderName, sameName } from '../../model/synchronousNames.ts';
import { overlayEnvironment } from './environment.ts';
import { readEtcd } from './etcd.ts';
import { patchConfig } from './patch.ts';
import { parsePlaced, unknownKeys, withoutEmpty } from './places.ts';
import { pythonYaml } from './python.ts';
import { readReports } from './reports.ts';
import { readCaller, readRest, stateDirOf, withoutEndSlash } from './rest.ts';
import { type ConfigFile, schema } from './schema.ts';
import { readTags } from './tags.ts';

export type LocalRead =
  | { readonly kind: 'ok'; readonly local: LocalSettings; readonly warnings: readonly string[] }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

/** Reads the file of one node, and PATRONI_* over it. Every complaint names the place and the remedy; no password is ever in one. */
export function readLocalConfig(text: string, fileName: string, env: Readonly<Record<string, string>>): LocalRead {
  const parsed = parsePlaced(text, fileName);
  if (parsed.kind === 'bad') return parsed;
  const { placed } = parsed;
  const { value, from } = overlayEnvironment(withoutEmpty(parsed.value), env);
  const complaint = (path: readonly PropertyKey[], what: string): string =>
    `${from.get(path.join('.')) ?? placed.at(path)}: ${path.join('.')}: ${what}`;
  const checked = schema.safeParse(value);
  if (!checked.success)
    // What is missing may be there under a name that is not quite right.
    return {
      kind: 'bad',
      problems: [
        ...checked.error.issues.map(({ path, message }) => complaint(path, message)),
        ...unknownKeys(parsed.value, placed),
      ],
    };
  const file = checked.data;
  const problems: string[] = [];
  const warnings = [...unknownKeys(parsed.value, placed)];
  const wrong = (path: readonly string[], what: string): void => void problems.push(complaint(path, what));
  for (const field of ['scope', 'name'] as const)
    if (!/^\P{Cc}+$/u.test(file[field]) || file[field].trim() === '')
      wrong([field], 'must not be empty, nor hold a line break or another control character');
  // PostgreSQL has 63 bytes for an application_name, and shows what is no ASCII as question marks.
  if (!/^[ -~]{1,63}$/.test(file.name))
    warnings.push(
      `${placed.at(['name'])}: name: PostgreSQL shows it otherwise in pg_stat_replication, so that nobody waits for this member: take at most 63 plain letters`,
    );
  if (file.name.includes('/')) wrong(['name'], 'a member name must not contain a slash');
  // Joined by commas in /sync.
  if (file.name.includes(',')) wrong(['name'], 'a member name must not contain a comma');
  if (sameName(file.name, placeholderName)) wrong(['name'], 'this name is reserved; give the member another');
  if (file.etcd3 === undefined && file.etcd !== undefined)
    warnings.push(`${placed.at(['etcd'])}: etcd: read as etcd3; the v2 API is not spoken`);
  const section = file.etcd3 ?? file.etcd;
  if (section === undefined)
    problems.push(
      `${fileName}: etcd3: missing; say where etcd is, as in etcd3: { hosts: [node1:2379, node2:2379, node3:2379] }`,
    );
  const etcd = readEtcd(section ?? {}, (what) => {
    if (section !== undefined) wrong([file.etcd3 === undefined ? 'etcd' : 'etcd3'], what);
  });
  const address = (path: readonly string[], given: string | undefined, port: number): HostPort => {
    const read = given === undefined ? null : readHostPort(given, port);
    if (read === null && given !== undefined) wrong(path, `${JSON.stringify(given)} is no host:port`);
    return read ?? { host: '', port };
  };
  const { restapi: rest, postgresql: pg } = file;
  const listen = address(['restapi', 'listen'], rest.listen, 8008);
  const pgListen = splitListen(pg.listen);
  if (pgListen === null) wrong(['postgresql', 'listen'], `${JSON.stringify(pg.listen)} is no address[,address]:port`);
  const missing = (['superuser', 'replication'] as const).filter(
    (role) => pg.authentication[role]?.username === undefined,
  );
  for (const role of missing) wrong(['postgresql', 'authentication', role], 'username is missing');
  if (problems.length > 0) return { kind: 'bad', problems };
  const dataDir = withoutEndSlash(pg.data_dir);
  const local: LocalSettings = {
    scope: file.scope,
    name: file.name,
    namespace: file.namespace ?? 'service',
    stateDir: stateDirOf(file.matriarch?.state_dir, dataDir),
    probes: (file.matriarch?.probes ?? []).map((probe) => address(['matriarch', 'probes'], probe, 9988)),
    reports: readReports(file.matriarch?.reports ?? {}),
    etcd,
    rest: readRest(
      rest,
      listen,
      rest.connect_address === undefined ? listen : address(['restapi', 'connect_address'], rest.connect_address, 8008),
    ),
    ctl: readCaller(file.ctl),
    watchdog: readWatchdog(file, warnings, placed.at(['watchdog', 'mode'])),
    tags: readTags(file.tags ?? {}, (what) => void warnings.push(`${placed.at(['tags'])}: tags: ${what}`)),
    log: { level: file.log?.level ?? 'INFO', type: file.log?.type ?? 'plain' },
    bootstrap:
      file.bootstrap === undefined
        ? null
        : {
            dcs: file.bootstrap.dcs,
            ...(isOwnMethod(file.bootstrap.method) ? { method: file.bootstrap.method } : {}),
            initdb: readOptions(file.bootstrap.initdb),
            pgHba: file.bootstrap.pg_hba ?? [],
            postInit: file.bootstrap.post_bootstrap ?? file.bootstrap.post_init ?? null,
            users: Object.entries(file.bootstrap.users ?? {}).map(([name, user]) => ({
              name,
              password: user.password ?? null,
              options: user.options ?? [],
            })),
          },
    postgres: {
      listenAddresses: pgListen?.addresses ?? '*',
      port: pgListen?.port ?? 5432,
      connectAddress: address(
        ['postgresql', 'connect_address'],
        pg.connect_address ?? `${pgListen?.addresses.split(',')[0] ?? 'localhost'}:${pgListen?.port ?? 5432}`,
        pgListen?.port ?? 5432,
      ),
      proxyAddress:
        pg.proxy_address === undefined ? null : address(['postgresql', 'proxy_address'], pg.proxy_address, 5432),
      dataDir,
      configDir: pg.config_dir ?? dataDir,
      binDir: pg.bin_dir ?? null,
      binNames: pg.bin_name ?? {},
      database: pg.database ?? 'postgres',
      pgpass: pg.pgpass ?? `${env.HOME ?? '/tmp'}/pgpass`,
      superuser: readLogin(pg.authentication.superuser ?? {}),
      replication: readLogin(pg.authentication.replication ?? {}),
      rewind: pg.authentication.rewind?.username === undefined ? null : readLogin(pg.authentication.rewind),
      section: withoutSecrets(pg),
    },
  };
  return problems.length > 0 ? { kind: 'bad', problems } : { kind: 'ok', local: Object.freeze(local), warnings };
}

/** Several files as one: later ones win, mappings merge, null deletes. Throws what is wrong with the first that is no YAML, with its place. */
export function mergeConfigTexts(files: readonly { readonly name: string; readonly text: string }[]): string {
  let merged: unknown = {};
  for (const { name, text } of files) {
    const parsed = parsePlaced(text, name);
    if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
    merged = patchConfig(merged, parsed.value);
  }
  return stringify(merged, pythonYaml);
}

/** What the section says besides the logins: kept in observations, which travel far. */
const withoutSecrets = ({ authentication: _, ...rest }: ConfigFile['postgresql']): Readonly<Record<string, unknown>> =>
  rest;

function readWatchdog(file: ConfigFile, warnings: string[], place: string): LocalSettings['watchdog'] {
  const given = asText(file.watchdog?.mode ?? 'automatic').toLowerCase();
  const mode = (
    {
      off: 'off',
      false: 'off',
      disable: 'off',
      disabled: 'off',
      automatic: 'automatic',
      auto: 'automatic',
      required: 'required',
      require: 'required',
      true: 'automatic',
    } as const
  )[given];
  if (mode === undefined)
    warnings.push(`${place}: watchdog.mode: ${JSON.stringify(given)} is none of off, automatic, required; off is used`);
  const margin = file.watchdog?.safety_margin ?? 5;
  return {
    mode: mode ?? 'off',
    device: file.watchdog?.device ?? '/dev/watchdog',
    safetyMarginMs: margin * 1000,
    guard: file.watchdog?.guard ?? 'any',
  };
}

const readLogin = (login: Readonly<Record<string, string | undefined>>): Login => ({
  username: login.username ?? '',
  password: login.password ?? null,
  ssl: Object.fromEntries(
    Object.entries(login).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !['username', 'password'].includes(entry[0]),
    ),
  ),
});

/** `--option[=value]` from a list of words and one-entry maps, or from a map. `true` is a bare option. */
export function readOptions(given: unknown): Options {
  const pair = ([name, value]: readonly [string, unknown]): Options[number] => [
    name,
    value === true || value === null ? null : asText(value),
  ];
  if (Array.isArray(given))
    return given.flatMap(
      (one: unknown): Options =>
        typeof one === 'object' && one !== null ? Object.entries(one).map(pair) : splitOption(asText(one)),
    );
  if (typeof given === 'object' && given !== null) return Object.entries(given).map(pair);
  return [];
}

function splitOption(word: string): Options {
  const bare = word.replace(/^--?/, '');
  const at = bare.indexOf('=');
  return [at < 0 ? [bare, null] : [bare.slice(0, at), bare.slice(at + 1)]];
}

/** host:port, [v6]:port, or a host alone. */
export function readHostPort(text: string, defaultPort: number): HostPort | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text.trim());
  if (match === null) return null;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  const host = match[1] ?? match[2] ?? '';
  return port < 1 || port > 65535 || (host === '' && match[3] === undefined)
    ? null
    : { host: host === '' ? '*' : host, port };
}

function splitListen(text: string): { addresses: string; port: number } | null {
  const match = /^(.+?)(?::(\d{1,5}))?$/.exec(text.trim());
  if (match?.[1] === undefined) return null;
  const port = Number(match[2] ?? 5432);
  return port < 1 || port > 65535 ? null : { addresses: match[1].replace(/[[\]]/g, ''), port };
}

const isOwnMethod = (method: string | undefined): method is string => Boolean(method) && method !== 'initdb';
