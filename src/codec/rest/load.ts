import type { Load, Rehearsal } from '../../model/rehearsal.ts';

/** With less WAL than this since the checkpoint, it says nothing of what lies in a byte of it. */
const walBytesMin = 16_384;

type Fields = Readonly<Record<string, unknown>>;

/** What hangs on the node that answers, where it is the one that goes or stops; null: on another, of which it does not know. */
export function loadOf(answer: Rehearsal, by: string, load: Load | null): Load | null {
  const { outcome, without } = answer;
  const isHit = without.includes(by) || (outcome.kind === 'stops' && outcome.leader === by);
  return isHit ? load : null;
}

/** Null: not known here. The transactions are an estimate, and are called so. */
export function loadDocument(answer: Rehearsal, load: Load | null): Fields {
  if (load === null) return { clients_cut: null, clients_in_transaction: null, transactions_at_risk_estimate: null };
  return {
    clients_cut: load.clients,
    clients_in_transaction: load.inTransaction,
    transactions_at_risk_estimate: transactionsAtRisk(answer, load),
    estimated_from: { since: 'the last checkpoint', ...fromOf(load) },
  };
}

const fromOf = ({ sinceCheckpoint: { transactions, walBytes } }: Load): Fields => ({
  transactions,
  wal_bytes: walBytes,
});

/** As many as wrote that much WAL lately, on the average. */
function transactionsAtRisk({ risk }: Rehearsal, { sinceCheckpoint: { transactions, walBytes } }: Load): number | null {
  if (risk === null || !risk.oneLook) return null;
  if (risk.bytes === 0n) return 0;
  if (walBytes < walBytesMin || transactions === 0) return null;
  return Math.ceil((Number(risk.bytes) * transactions) / walBytes);
}

/** What the answer in one sentence ends with. */
export function loadText(answer: Rehearsal, load: Load | null): string {
  if (load === null) return '';
  const { clients, inTransaction } = load;
  const lost = transactionsAtRisk(answer, load);
  const transactions =
    lost === null || lost === 0 ? '' : `, about ${lost} ${lost === 1 ? 'transaction' : 'transactions'}`;
  const cut = `${clients} ${clients === 1 ? 'client is' : 'clients are'} cut`;
  return `${transactions}; ${cut}${clients === 0 ? '' : `, ${inTransaction} in a transaction`}`;
}
