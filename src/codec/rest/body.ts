import { isObject, type JsonObject, parseJsonOfAnyDepth } from '../dcs/json.ts';
import { depthMax, isTooDeep } from '../depth.ts';

export type Body =
  | { readonly kind: 'ok'; readonly document: JsonObject }
  /** To be told by an error page of this code; `why` is the reason for people, undefined where the code says it all. */
  | { readonly kind: 'bad'; readonly status: 400 | 411; readonly why?: string };

/** A body that must be there: an object, and not an empty one unless `mayBeEmpty`. Null: it had no length. */
export function requiredBody(text: string | null, options: { readonly mayBeEmpty?: boolean } = {}): Body {
  if (text === null) return { kind: 'bad', status: 411 };
  if (text.trim() === '') return bad('the body is empty, a JSON object is needed');
  const document = parseJsonOfAnyDepth(text);
  if (document === undefined) return bad('the body is not JSON');
  if (!isObject(document)) return bad(`the body is ${nameOf(document)}, a JSON object is needed`);
  if (isTooDeep(document)) return bad(`the body is nested deeper than ${depthMax} levels`);
  if (Object.keys(document).length === 0 && options.mayBeEmpty !== true) return bad('the body is an empty object');
  return { kind: 'ok', document };
}

/** A body that may be missing: then it is `{}`. */
export function optionalBody(text: string | null): Body {
  if (text === null || text === '') return { kind: 'ok', document: {} };
  return requiredBody(text, { mayBeEmpty: true });
}

const bad = (why: string): Body => ({ kind: 'bad', status: 400, why });

const nameOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;

/** As Patroni reads booleans. */
export const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === 'string' && /^(true|yes|on|1)$/i.test(value));
