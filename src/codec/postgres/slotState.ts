import { type Lsn, lsnOf } from '../../model/units.ts';

/** The file `state` of a replication slot (slot.c): a head of 16 bytes, the name of 64, then what it holds. */
const magic = 0x1051ca1;
const nameAt = 16;
const nameLength = 64;
/** Behind database, persistency, xmin and catalog_xmin, of four bytes each. */
const restartLsnAt = nameAt + nameLength + 16;
const leastBytes = restartLsnAt + 8;

/** Only what must be known before it is laid down elsewhere. Null: it is no such file, or of another slot. */
export function readSlotState(bytes: Uint8Array, name: string): { readonly restartLsn: Lsn } | null {
  if (bytes.length < leastBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // All platforms that PostgreSQL packages are made for today are little-endian.
  if (view.getUint32(0, true) !== magic) return null;
  const end = bytes.indexOf(0, nameAt);
  const found = String.fromCharCode(...bytes.slice(nameAt, Math.min(end < 0 ? leastBytes : end, nameAt + nameLength)));
  if (found !== name) return null;
  return { restartLsn: lsnOf(view.getBigUint64(restartLsnAt, true)) };
}
