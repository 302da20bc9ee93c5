import type { SqlTarget } from '../model/world.ts';

export type Targets =
  /** `passfile`: where the string says that the password is; null: it does not. */
  | { readonly kind: 'targets'; readonly targets: readonly SqlTarget[]; readonly passfile: string | null }
  | { readonly kind: 'wrong'; readonly why: string };

/** libpq's variables, as far as they are used here. */
export type LoginDefaults = Readonly<
  Partial<Record<'PGUSER' | 'PGPASSWORD' | 'PGDATABASE' | 'PGSSLMODE' | 'PGAPPNAME', string>>
>;

/**
 * A port, a list of `host[:port]`, libpq's `host=… port=…`, or a URL. Lists of hosts mean: whichever has the role. URLs are
 * taken apart here because drivers disagree on what `sslmode` in them means. What is wrong is told without the text itself
 * where a password may stand in it.
 */
export function readTarget(text: string, defaults: LoginDefaults): Targets {
  const fields = /^postgres(ql)?:\/\//.test(text)
    ? fromUrl(text)
    : text.includes('=')
      ? fromKeywords(text)
      : fromHosts(text);
  if (typeof fields === 'string') return { kind: 'wrong', why: fields };
  const hosts = (fields.host ?? '127.0.0.1').split(',');
  const ports = (fields.port ?? '5432').split(',');
  if (ports.length > 1 && ports.length !== hosts.length)
    return { kind: 'wrong', why: `${ports.length} ports for ${hosts.length} hosts: ${hosts.join(',')}` };
  const targets = hosts.map((host, i) => ({ host, port: Number(ports[ports.length === 1 ? 0 : i] || '5432') }));
  const bad = targets.find(({ host, port }) => host === '' || !Number.isInteger(port) || port < 1 || port > 65535);
  if (bad !== undefined)
    return { kind: 'wrong', why: `no host and port: ${JSON.stringify(`${bad.host}:${bad.port}`)}` };
  const user = fields.user ?? defaults.PGUSER ?? 'postgres';
  const sslmode = fields.sslmode ?? defaults.PGSSLMODE;
  const ssl: Record<string, string> = sslmode === undefined ? {} : { sslmode };
  for (const [name, value] of Object.entries(fields))
    if (name.startsWith('ssl') && value !== undefined) ssl[name] = value;
  return {
    kind: 'targets',
    passfile: fields.passfile ?? null,
    targets: targets.map(({ host, port }) => ({
      host,
      port,
      user,
      password: fields.password ?? defaults.PGPASSWORD ?? null,
      database: fields.dbname ?? defaults.PGDATABASE ?? user,
      ssl,
      applicationName: fields.application_name ?? defaults.PGAPPNAME ?? 'matriarch traffic',
    })),
  };
}

type Fields = Readonly<Partial<Record<string, string>>>;

function fromHosts(text: string): Fields | string {
  if (/^\d+$/.test(text)) return { port: text };
  const parts = text.split(',').map((part) => /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(part.trim()));
  if (parts.some((part) => part === null))
    return `neither port, host:port list nor DSN${text.includes('@') ? ' (a URL begins with postgresql://)' : `: ${JSON.stringify(text)}`}`;
  return {
    host: parts.map((part) => part?.[1]?.replace(/^\[|\]$/g, '')).join(','),
    port: parts.map((part) => part?.[2] ?? '5432').join(','),
  };
}

/** `key=value` pairs; values may stand in single quotes with backslashes. */
function fromKeywords(text: string): Fields | string {
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?:\s+|$)/y;
  const fields: Record<string, string> = {};
  while (pair.lastIndex < text.length) {
    const at = pair.lastIndex;
    const match = pair.exec(text);
    if (match === null) return `cannot read the connection string at its character ${at + 1}`;
    fields[match[1] ?? ''] = (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1');
  }
  return fields;
}

function fromUrl(text: string): Fields | string {
  const match = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text);
  if (match === null) return 'cannot read the connection URL'; // not shown: it may hold a password
  const [, user, password, authority = '', dbname, query = ''] = match;
  const hosts = authority === '' ? {} : fromHosts(authority);
  if (typeof hosts === 'string') return hosts;
  const given = { ...(user ? { user } : {}), ...(password ? { password } : {}), ...(dbname ? { dbname } : {}) };
  try {
    const decoded = Object.entries(given).map(([name, value]) => [name, decodeURIComponent(value)] as const);
    return { ...hosts, ...Object.fromEntries(decoded), ...Object.fromEntries(new URLSearchParams(query)) };
  } catch {
    return 'the connection URL has a % that encodes nothing';
  }
}
