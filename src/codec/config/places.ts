import type { Document } from 'yaml';
import { isAlias, isMap, isNode, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { pythonYaml } from './python.ts';
import { dynamicSchema, schema } from './schema.ts';

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
  const document = parseDocument(text, { ...pythonYaml, lineCounter: lines });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const problems = document.errors.map(({ pos, message }) => `${place(pos[0])}: ${message.split('\n')[0]}`);
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined)
        problems.push(`${place(alias.range?.[0] ?? 0)}: the alias *${alias.source} has no anchor before it`);
    },
  });
  if (problems.length > 0) return { kind: 'bad', problems };
  const at = (path: readonly PropertyKey[]): string => {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node = nodeAt(document, path.slice(0, depth));
      if (isNode(node) && node.range != null) return place(node.range[0]);
    }
    return fileName;
  };
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    return { kind: 'bad', problems: [`${fileName}: ${error instanceof Error ? error.message : String(error)}`] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { kind: 'bad', problems: [`${fileName}:1:1: it does not contain a mapping of settings`] };
  return { kind: 'ok', placed: { document, at }, value };
}

/** The key of a mapping, or the item of a list, that the path leads to. */
function nodeAt(document: Document.Parsed, path: readonly PropertyKey[]): unknown {
  const last = path.at(-1);
  if (last === undefined) return document.contents;
  let parent: unknown = document.getIn(path.slice(0, -1), true);
  if (isAlias(parent)) parent = parent.resolve(document);
  if (isSeq(parent) && typeof last === 'number') return parent.items[last];
  return isMap(parent) ? parent.items.find(({ key }) => String(key) === String(last))?.key : undefined;
}

/** Keys that no part of the schema knows, with the nearest that it does. */
export function unknownKeys(value: unknown, placed: Placed): readonly string[] {
  const found: string[] = [];
  const walk = (part: unknown, shape: unknown, path: readonly string[]): void => {
    if (typeof part !== 'object' || part === null || Array.isArray(part) || !(shape instanceof z.ZodObject)) return;
    const known = Object.keys(shape.shape);
    for (const [key, inner] of Object.entries(part)) {
      const next: unknown = shape.shape[key];
      const here = [...path, key];
      if (next !== undefined) walk(inner, here.join('.') === 'bootstrap.dcs' ? dynamicSchema : unwrap(next), here);
      else if (!isElsewhere(here) && !isMethod(here, part))
        found.push(`${placed.at(here)}: ${here.join('.')}: ${whatOf(key, known, path)}`);
    }
  };
  walk(value, schema, []);
  return found;
}

/** A bootstrap method's own section, and what other programs read. */
const isElsewhere = (path: readonly string[]): boolean =>
  (path.length === 2 && path[0] === 'bootstrap') || (path.length === 1 && otherStores.has(path[0] ?? ''));
/** The section of a method in `create_replica_methods`, whose name is the operator's. */
function isMethod(path: readonly string[], part: object): boolean {
  const name = path.at(-1) ?? '';
  if (path.at(-2) !== 'postgresql') return false;
  const postgresql: Readonly<Record<string, unknown>> = { ...part };
  const named = [postgresql.create_replica_methods, postgresql.create_replica_method].flat();
  const section = postgresql[name];
  return named.includes(name) || (typeof section === 'object' && section !== null && 'command' in section);
}
const otherStores = new Set(['consul', 'zookeeper', 'exhibitor', 'kubernetes', 'raft', 'citus']);

function whatOf(key: string, known: readonly string[], path: readonly string[]): string {
  if (path.length === 0 && key in dynamicSchema.shape)
    return "does nothing here: it is the cluster's, set in bootstrap.dcs at first and by edit-config later";
  const near = nearest(key, known);
  return `unknown setting, ignored${near === null ? '' : `; did you mean ${near}?`}`;
}

/** A key without a value, as a section whose lines are all comments has it, counts as absent, wherever the schema knows the key. */
export function withoutEmpty(value: unknown, shape: unknown = schema): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !(shape instanceof z.ZodObject))
    return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const next: unknown = shape.shape[key];
      if (next === undefined) return [[key, inner]];
      return inner === null ? [] : [[key, withoutEmpty(inner, unwrap(next))]];
    }),
  );
}

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
