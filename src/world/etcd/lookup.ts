import { type LookupAddress, lookup as resolveHost } from 'node:dns';
import type { LookupFunction } from 'node:net';

export type Lookup = LookupFunction;

/** How long a fresh answer is waited for while an older one is known. */
const freshForMs = 200;

/**
 * Host names to addresses, with a memory. getaddrinfo runs on the few threads that files need too and can hang for many
 * seconds, so at most one request per name is under way; while it hangs, the addresses last seen serve.
 */
export function makeLookup(): Lookup {
  const known = new Map<string, LookupAddress[]>();
  const pending = new Map<string, Promise<LookupAddress[]>>();

  function ask(host: string): Promise<LookupAddress[]> {
    const underWay = pending.get(host);
    if (underWay !== undefined) return underWay;
    const asked = new Promise<LookupAddress[]>((resolve, reject) => {
      resolveHost(host, { all: true }, (error, addresses) => {
        pending.delete(host);
        if (error !== null) return reject(error);
        known.set(host, addresses);
        resolve(addresses);
      });
    });
    pending.set(host, asked);
    return asked;
  }

  return (host, options, answer) => {
    let settled = false;
    const settle = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]): void => {
      if (settled) return;
      settled = true;
      clearTimeout(impatience);
      const [first] = addresses;
      if (error !== null || first === undefined) answer(error ?? new Error(`no address for ${host}`), []);
      else if (options.all === true) answer(null, addresses);
      else answer(null, first.address, first.family);
    };
    const impatience = setTimeout(() => {
      const old = known.get(host);
      if (old !== undefined) settle(null, old);
    }, freshForMs);
    ask(host).then(
      (addresses) => settle(null, addresses),
      (error: NodeJS.ErrnoException) => {
        const old = known.get(host);
        if (old === undefined) settle(error, []);
        else settle(null, old);
      },
    );
  };
}
