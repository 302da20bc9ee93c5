import { timingSafeEqual } from 'node:crypto';

/**
 * Any web site can make a browser send requests to this machine's loopback. Whoever reads must have come by a name of the
 * loopback: a foreign name that was made to point here is refused. Whoever breaks something must also come from this very
 * page, and hold the key of this lab.
 */
export interface Visitor {
  readonly method: string | undefined;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly key: string | undefined;
}

/** Null lets through; text: why not. The port is not looked at: it may be another one, through a tunnel. */
export function refusalOf({ method, host, origin, key }: Visitor, wanted: string): string | null {
  if (host === undefined || !/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host))
    return 'this page answers to localhost and 127.0.0.1 only';
  if (method === 'GET' || method === 'HEAD') return null;
  if (origin?.toLowerCase() !== `http://${host.toLowerCase()}`) return 'asked from another site than this page';
  if (key === undefined || !isSame(key, wanted))
    return 'the key of this lab is missing: open the address that "matriarch lab page" prints';
  return null;
}

/** Takes as long for a near miss as for a far one. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
