import type { Initialize } from '../../model/cluster.ts';
import type { EtcdKeyValue } from '../../model/world.ts';

/** Empty while somebody bootstraps, then the system identifier. */
export function readInitialize(kv: EtcdKeyValue | undefined): Initialize {
  if (kv === undefined) return { kind: 'absent' };
  const { value, modRevision, createRevision } = kv;
  if (value === '') return { kind: 'bootstrapping', modRevision, createRevision };
  if (/^\d{10,}$/.test(value)) return { kind: 'done', systemId: value, modRevision };
  return { kind: 'invalid', text: value, modRevision };
}
