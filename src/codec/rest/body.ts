import { isObject, type JsonObject, parseJson } from '../dcs/json.ts';

export type Body =
  | { readonly kind: 'ok'; readonly document: JsonObject }
  /** To be told by an error page of this code. */
  | { readonly kind: 'bad'; readonly status: 400 | 411 };

const bad = { kind: 'bad', status: 400 } as const;

/** A body that must be there: an object, and not an empty one unless `mayBeEmpty`. Null: it had no length. */
export function requiredBody(text: string | null, options: { readonly mayBeEmpty?: boolean } = {}): Body {
  if (text === null) return { kind: 'bad', status: 411 };
  const document = parseJson(text);
  if (!isObject(document)) return bad;
  return Object.keys(document).length === 0 && options.mayBeEmpty !== true ? bad : { kind: 'ok', document };
}

/** A body that may be missing: then it is `{}`. */
export function optionalBody(text: string | null): Body {
  if (text === null || text === '') return { kind: 'ok', document: {} };
  return requiredBody(text, { mayBeEmpty: true });
}

/** As Patroni reads booleans. */
export const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === 'string' && /^(true|yes|on|1)$/i.test(value));
