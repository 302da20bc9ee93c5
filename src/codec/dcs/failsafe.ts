import { compactJson, isObject, parseJson } from './json.ts';

/** Member name to its API's address. Null when it is no such thing. */
export function readFailsafe(text: string): Readonly<Record<string, string>> | null {
  const value = parseJson(text);
  if (!isObject(value)) return null;
  const members = Object.entries(value).flatMap(([name, url]) =>
    typeof url === 'string' ? [[name, url] as const] : [],
  );
  return Object.fromEntries(members);
}

export const writeFailsafe = (members: Readonly<Record<string, string>>): string => compactJson(members);
