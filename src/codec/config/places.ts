import type { Document } from 'yaml';
import { isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { schema } from './schema.ts';

/** A YAML text with its places: every complaint names file, line and column. */
export interface Placed {
  readonly document: Document.Parsed;
  readonly at: (path: readonly PropertyKey[]) => string;
}

export function parsePlaced(
  text: string,
  fileName: string,
): { kind: 'ok'; placed: Placed; value: unknown } | { kind: 'bad'; problems: readonly string[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    return {
      kind: 'bad',
      problems: document.errors.map((error) => `${place(error.pos[0])}: ${error.message.split('\n')[0] ?? error.code}`),
    };
  }
  const at = (path: readonly PropertyKey[]): string => {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const key = path.slice(0, depth);
      const parent = key.length === 0 ? document.contents : document.getIn(key.slice(0, -1), true);
      const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === String(key.at(-1))) : undefined;
      const node = pair !== undefined && isNode(pair.key) ? pair.key : key.length === 0 ? document.contents : undefined;
      if (isNode(node) && node.range != null) return place(node.range[0]);
    }
    return fileName;
  };
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { kind: 'bad', problems: [`${fileName}:1:1: it does not contain a mapping of settings`] };
  return { kind: 'ok', placed: { document, at }, value };
}

/** Keys that no part of the schema knows, with the nearest that it does. */
export function unknownKeys(value: unknown, placed: Placed): readonly string[] {
  const found: string[] = [];
  const walk = (part: unknown, shape: unknown, path: readonly string[]): void => {
    if (typeof part !== 'object' || part === null || Array.isArray(part) || !(shape instanceof z.ZodObject)) return;
    const known = Object.keys(shape.shape);
    for (const [key, inner] of Object.entries(part)) {
      const next: unknown = shape.shape[key];
      if (next === undefined) {
        if (path[0] === 'bootstrap' && path.length === 1) continue; // a method's own section
        if (path.length === 0 && otherStores.has(key)) continue;
        const near = nearest(key, known);
        found.push(
          `${placed.at([...path, key])}: ${[...path, key].join('.')}: unknown setting, ignored${near === null ? '' : `; did you mean ${near}?`}`,
        );
      } else walk(inner, unwrap(next), [...path, key]);
    }
  };
  walk(value, schema, []);
  return found;
}

const otherStores = new Set(['consul', 'zookeeper', 'exhibitor', 'kubernetes', 'raft', 'citus']);
const unwrap = (shape: unknown): unknown =>
  shape instanceof z.ZodOptional || shape instanceof z.ZodNullable ? unwrap(shape.unwrap()) : shape;

export function nearest(word: string, known: readonly string[]): string | null {
  const best = known.map((one) => [distance(word, one), one] as const).sort(([a], [b]) => a - b)[0];
  return best !== undefined && best[0] <= Math.max(1, Math.floor(word.length / 3)) ? best[1] : null;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
