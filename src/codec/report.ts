import type { RepairReport } from '../model/report.ts';
import { isObject, parseJson } from './dcs/json.ts';

/** A report as it was written, by this version or another: what is not as it should be makes it none. */
export function readReport(text: string): RepairReport | null {
  const value = parseJson(text);
  if (!isObject(value) || value.version !== 1) return null;
  const { id, scope, node, systemId, state, began, deed, leader, fork, end, bytes, transactions, tables, wal } = value;
  const whole =
    [id, scope, node, systemId, state, began, deed, leader].every((one) => typeof one === 'string') &&
    [fork, end].every((one) => isObject(one) && typeof one.timeline === 'number' && typeof one.lsn === 'string') &&
    typeof bytes === 'number' &&
    isObject(transactions) &&
    typeof transactions.count === 'number' &&
    Array.isArray(tables) &&
    tables.every(isObject) &&
    isObject(wal) &&
    typeof wal.kept === 'string' &&
    typeof wal.folder === 'string' &&
    typeof wal.bytes === 'number' &&
    Array.isArray(wal.files);
  return whole ? (value as unknown as RepairReport) : null;
}
