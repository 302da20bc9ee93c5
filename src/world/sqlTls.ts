import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import type { SqlTarget } from '../model/world.ts';

/** One way of connecting. Which ways, and in what order, is libpq's `sslmode`. */
export type Encryption = 'plain' | 'encrypted' | 'verifyCa' | 'verifyFull';

export function attemptsOf({ host, ssl }: SqlTarget): readonly Encryption[] {
  if (host.startsWith('/')) return ['plain']; // PostgreSQL has no TLS on unix sockets
  switch (ssl.sslmode ?? 'prefer') {
    case 'disable':
      return ['plain'];
    case 'allow':
      return ['plain', 'encrypted'];
    case 'require':
      return [ssl.sslrootcert === undefined ? 'encrypted' : 'verifyCa']; // as libpq does
    case 'verify-ca':
      return ['verifyCa'];
    case 'verify-full':
      return ['verifyFull'];
    default:
      return ['encrypted', 'plain'];
  }
}

/** What the driver takes: false, or options for Node's TLS. Files are read anew each time: they get renewed. */
export async function encryptionOf({ ssl }: SqlTarget, encryption: Encryption): Promise<false | ConnectionOptions> {
  if (encryption === 'plain') return false;
  const [ca, cert, key, crl] = await Promise.all(
    [ssl.sslrootcert, ssl.sslcert, ssl.sslkey, ssl.sslcrl].map((path) =>
      path === undefined || path === '' || path === 'system' ? undefined : readFile(path, 'utf8'),
    ),
  );
  return {
    rejectUnauthorized: encryption !== 'encrypted',
    ...(encryption === 'verifyCa' ? { checkServerIdentity: () => undefined } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(crl === undefined ? {} : { crl }),
    ...(ssl.sslpassword === undefined ? {} : { passphrase: ssl.sslpassword }),
  };
}
