import type { Write } from '../../model/history.ts';
import { judgeAppends } from '../../model/laws/appends.ts';
import type { Violation } from '../../model/laws.ts';

/** What must not become of a write that was answered: by law 2, on what is still there of it. */
const findingKinds = ['lost', 'doubled', 'reordered', 'invented', 'otherSystem'] as const;
export interface Finding {
  /** invented: refused, and there all the same. otherSystem: another database answers than before. */
  readonly kind: (typeof findingKinds)[number];
  /** First and last value, and how many. */
  readonly values: { readonly from: number; readonly to: number; readonly count: number } | null;
}

export interface Ledger {
  record(write: Write): void;
  /** What the server holds of the run, in the order of appending; each wrong is found once. */
  compare(values: readonly number[]): readonly Finding[];
}

/**
 * The last writes of a run, so that what the server holds of them can be judged at any time: after a failover, that which the new
 * primary never got is told as lost. Bounded, as the table is.
 */
export function makeLedger(run: string, writesMax: number): Ledger {
  let writes: readonly Write[] = [];
  return {
    record(write) {
      writes = [...writes, write].slice(-writesMax);
    },
    compare(values) {
      const ours = new Set(writes.map(({ value }) => value));
      const held = values.filter((value) => ours.has(value));
      const violations = judgeAppends([...writes, { kind: 'holding', node: '', key: run, values: held }], {
        kind: 'none',
      });
      const found = violations.flatMap(wrongOf);
      const wrong = new Set(found.map(({ value }) => value));
      const newestSystem = writes.findLast(({ systemId }) => systemId !== null)?.systemId ?? null;
      // Those of another system are told of once, too.
      writes = writes.filter(
        ({ value, systemId }) => !wrong.has(value) && (systemId === null || systemId === newestSystem),
      );
      return findingKinds.flatMap((kind) => {
        const of = found.filter((one) => one.kind === kind);
        const numbers = of.flatMap(({ value }) => value ?? []);
        if (of.length === 0) return [];
        const span = { from: Math.min(...numbers), to: Math.max(...numbers), count: numbers.length };
        return [{ kind, values: numbers.length === 0 ? null : span }];
      });
    },
  };
}

interface Wrong {
  readonly kind: Finding['kind'];
  readonly value: number | null;
}

function wrongOf(violation: Violation): readonly Wrong[] {
  if (violation.law !== 2 || violation.kind === 'exposed') return []; // exposed: told by synchronous standbys, not by what is held
  if (violation.kind === 'otherSystem') return [{ kind: violation.kind, value: null }];
  return [{ kind: violation.kind, value: 'write' in violation ? violation.write.value : violation.value }];
}
