import { type ClientPath, type Clients, clientPaths } from '../clients.ts';
import type { Evidence } from './evidence.ts';

/** By kind, as each client counted them since it was started. */
export const errorsOf = (clients: Pick<Clients, 'status'>): Evidence['errors'] =>
  byPath((path) => clients.status(path)?.errors ?? {});

/** Before the first step HAProxy may not have found its servers yet: that is no error of what is played. */
export const errorsSince = (before: Evidence['errors'], now: Evidence['errors']): Evidence['errors'] =>
  byPath((path) => {
    const more = Object.entries(now[path]).map(([kind, times]) => [kind, times - (before[path][kind] ?? 0)] as const);
    return Object.fromEntries(more.filter(([, times]) => times > 0));
  });

function byPath(of: (path: ClientPath) => Readonly<Record<string, number>>): Evidence['errors'] {
  const [write, proxiedWrite, read, proxiedRead] = clientPaths.map(of);
  return {
    'direct write': write ?? {},
    'proxied write': proxiedWrite ?? {},
    'direct read': read ?? {},
    'proxied read': proxiedRead ?? {},
  };
}
