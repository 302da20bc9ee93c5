export const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 1));

/** Without `.`, `..`, doubled and trailing slashes. Programs use the same few paths all the time. */
export function normal(path: string): string {
  const known = normalized.get(path);
  if (known !== undefined) return known;
  if (normalized.size >= 10_000) normalized.clear();
  const short = shortened(path);
  normalized.set(path, short);
  return short;
}

const normalized = new Map<string, string>();

function shortened(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/'))
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  return `/${parts.join('/')}`;
}
