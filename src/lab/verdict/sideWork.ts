import { reignsOf } from '../../model/laws/reigns.ts';
import type { Dump, Evidence, SideWork, Transaction } from '../scenario/evidence.ts';
import type { Expectation } from './expectations.ts';

/**
 * Open work may be cut off, and then it says so; what is said to be done is there, and whole. `lostMs`: how much of the end of
 * a reign may be lost here; null: nothing.
 */
export const judgeSideWork = (evidence: Evidence, lostMs: number | null): readonly Expectation[] =>
  evidence.sideWork.map((work) => {
    const { node, said, ended } = work;
    const wrong =
      work.kind === 'dump' ? wrongOfDump(work) : wrongOfTransaction(work, mayBeLost(evidence, work, lostMs));
    const end = ended === null ? 'under way still in the end' : `ended by an error: ${said}`;
    const text =
      work.kind === 'dump'
        ? `pg_dump from ${node} ends with an error, or is whole`
        : `the transaction on ${node} ends with an error, or is committed and there`;
    return { text, held: wrong === null, measured: wrong ?? well(work) ?? end };
  });

/** Null: it did not come to its good end. */
function well(work: SideWork): string | null {
  if (work.kind === 'dump') return work.ended?.code === 0 ? 'whole, and could be restored' : null;
  if (work.committed) return work.rows === 0 ? 'committed, and lost within the bound' : 'committed, and there';
  return work.rows === 0 ? null : `its answer was lost, and it is there: ${work.said}`;
}

function wrongOfDump({ ended, complete, refused }: Dump & SideWork): string | null {
  if (ended?.code !== 0) return null;
  if (!complete) return 'ended well, and its last line is missing';
  return refused === null ? null : `ended well, and cannot be restored: ${refused}`;
}

function wrongOfTransaction({ ended, committed, rows }: Transaction & SideWork, lossIsBound: boolean): string | null {
  if (rows !== 0 && rows !== 2) return `half there: ${rows} of its 2 rows`;
  if (committed && rows === 0) return lossIsBound ? null : 'reported committed, and missing';
  return !committed && ended?.code === 0 ? 'ended without an error, and without a commit' : null;
}

/** Committed so shortly before the end of the reign that it was committed in. */
function mayBeLost({ history }: Evidence, { node, ended }: SideWork, lostMs: number | null): boolean {
  if (lostMs === null || ended === null) return false;
  const reign = reignsOf(history).findLast((one) => one.node === node && one.firstMs <= ended.atMs);
  return reign !== undefined && reign.lastHeardMs - ended.atMs <= lostMs;
}
