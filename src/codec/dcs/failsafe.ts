import { asText } from '../../model/scalars.ts';
import { compactJson, isObject, parseJson } from './json.ts';

/** Member name to its API's address. Null when it is no such thing. */
export function readFailsafe(text: string): Readonly<Record<string, string>> | null {
  const value = parseJson(text);
  if (!isObject(value)) return null;
  const members = Object.entries(value).map(([name, url]) => [name, asText(url)] as const);
  // A list that names nobody's address lets nobody lead who is not on it.
  return members.every(([, url]) => /^https?:\/\//.test(url)) ? Object.fromEntries(members) : null;
}

export const writeFailsafe = (members: Readonly<Record<string, string>>): string => compactJson(members);
