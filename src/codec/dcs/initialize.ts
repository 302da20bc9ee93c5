import type { Initialize } from '../../model/cluster.ts';
import type { EtcdKeyValue } from '../../model/world.ts';

/** Empty while somebody bootstraps, then the system identifier. `by`: the key that says whose claim it is. */
export function readInitialize(kv: EtcdKeyValue | undefined, by: EtcdKeyValue | undefined): Initialize {
  if (kv === undefined) return { kind: 'absent' };
  const { value, modRevision, createRevision } = kv;
  if (value === '') {
    const owner = by === undefined ? null : { name: by.value, modRevision: by.modRevision };
    return { kind: 'bootstrapping', modRevision, createRevision, owner };
  }
  if (/^\d{10,}$/.test(value)) return { kind: 'done', systemId: value, modRevision };
  return { kind: 'invalid', text: value, modRevision };
}
