import { readFileSync } from 'node:fs';
import type { History, Observed } from '../model/history.ts';
import { type AppendCounts, countAppends } from '../model/laws/appends.ts';
import { whyOf } from '../world/failure.ts';
import { factsIn } from './historyFile.ts';

export type Evidence =
  /** `passedOver`: lines that are no facts; one that was cut off with its writer is no wonder. */
  | { readonly kind: 'evidence'; readonly history: History; readonly passedOver: number }
  | { readonly kind: 'refused'; readonly why: string };

/** A history to be judged. What holds none is refused: that nothing is broken in it would say nothing. */
export function readEvidence(path: string): Evidence {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { kind: 'refused', why: `cannot read the history ${path}: ${whyOf(error)}` };
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const history = factsIn(lines).filter(isFact);
  if (history.length === 0)
    return {
      kind: 'refused',
      why: `${path} holds no history: wanted is a file as matriarch traffic writes it with --history, a fact a line as JSON`,
    };
  return { kind: 'evidence', history, passedOver: lines.length - history.length };
}

const kinds: Readonly<Record<Observed['kind'], true>> = {
  write: true,
  read: true,
  holding: true,
  role: true,
  right: true,
  promotion: true,
  erasure: true,
  lapse: true,
  exposure: true,
  confirmation: true,
};

/** Files have other objects that have a kind, too: the status lines of `--json` among them, which have no outcome. */
function isFact(value: Observed): boolean {
  if (!Object.hasOwn(kinds, value.kind)) return false;
  if (value.kind === 'write')
    return hasTypes(value, { outcome: 'string', key: 'string', value: 'number', client: 'string' });
  if (value.kind === 'read') return hasTypes(value, { outcome: 'string', key: 'string', client: 'string' });
  if (value.kind === 'holding') return typeof value.key === 'string' && Array.isArray(value.values);
  return true;
}

const hasTypes = (value: object, types: Readonly<Record<string, 'string' | 'number'>>): boolean =>
  Object.entries(value).filter(([name, one]) => types[name] === typeof one).length === Object.keys(types).length;

/** Null: not known, for nobody was asked what is held of every key. */
export type KnownCounts = {
  readonly [Name in keyof AppendCounts]: AppendCounts[Name] | null;
};

/** What became of the appends. What only a comparison with a server can tell is not known without one. */
export function knownCounts(history: History): KnownCounts {
  const counts = countAppends(history);
  const held = new Set(history.flatMap((seen) => (seen.kind === 'holding' ? [seen.key] : [])));
  const isCompared = held.size > 0 && keysToCompare(history).every((key) => held.has(key));
  return isCompared ? counts : { ...counts, unknownPresent: null, lost: null, doubled: null, reordered: null };
}

/** Of clients. Witnesses write to their own node only, also to one that is no primary any more: what they wrote may be gone. */
export function keysToCompare(history: History): readonly string[] {
  const keys = history.flatMap((seen) =>
    seen.kind === 'write' && !seen.client.startsWith('monitor/') ? [seen.key] : [],
  );
  return [...new Set(keys)];
}
