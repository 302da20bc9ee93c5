import type { DataDir } from './dataDir.ts';

/** Reads a directory's postgresql.conf, what it includes, postgresql.auto.conf, and over them the command line. */
export function readConf(dir: DataDir, args: readonly string[]): ReadonlyMap<string, string> {
  const conf = new Map<string, string>();
  const read = (name: string): void => {
    for (const raw of (dir.text(name) ?? '').split('\n')) {
      const line = /^\s*([A-Za-z_.]+)\s*=?\s*(?:'((?:[^']|'')*)'|([^\s#]+))/.exec(raw);
      if (line?.[1] === undefined) continue;
      const value = line[2]?.replaceAll("''", "'") ?? line[3] ?? '';
      if (line[1] === 'include' || line[1] === 'include_if_exists') read(value.replace(`${dir.path}/`, ''));
      else conf.set(line[1].toLowerCase(), value);
    }
  };
  read(configFile(args)?.replace(`${dir.path}/`, '') ?? 'postgresql.conf');
  read('postgresql.auto.conf');
  for (const [name, value] of optionsOf(args)) conf.set(name, value);
  return conf;
}

const configFile = (args: readonly string[]): string | undefined =>
  args.map((arg) => /^--config[-_]file=(.*)$/.exec(arg)?.[1]).find((path) => path !== undefined);

/** `--name=value` and `-c name=value` of a postmaster's command line. */
function optionsOf(args: readonly string[]): readonly (readonly [string, string])[] {
  return args.flatMap((arg, i) => {
    const text = arg === '-c' ? `--${args[i + 1] ?? ''}` : arg;
    const option = /^--([A-Za-z_.-]+)=(.*)$/.exec(text);
    return option?.[1] === undefined ? [] : [[option[1].replaceAll('-', '_').toLowerCase(), option[2] ?? ''] as const];
  });
}

/** libpq's `host=a port=5432 user='x y'`. */
export function readConninfo(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s']*))/g);
  return new Map([...found].map((one) => [one[1] ?? '', one[2]?.replaceAll(/\\(.)/g, '$1') ?? one[3] ?? '']));
}

/** The value of `-D x`, `-Dx`, `--pgdata=x` and the like. */
export function optionOf(args: readonly string[], short: string, long: string): string | null {
  for (const [i, arg] of args.entries()) {
    if (arg === short || arg === long) return args[i + 1] ?? null;
    if (arg.startsWith(`${long}=`)) return arg.slice(long.length + 1);
    if (!short.startsWith('--') && arg.startsWith(short) && arg.length > 2 && !arg.startsWith('--'))
      return arg.slice(2);
  }
  return null;
}
