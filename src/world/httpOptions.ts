import type { LocalSettings } from '../model/settings.ts';
import type { HttpOptions } from './http.ts';

/**
 * How an agent asks the others: as the section `ctl` says, and with the password of their API, which is that of its own. Patroni's agents
 * verify no certificate of each other's: where a file for them names no CA, one that is self-signed must not make a living
 * member a silent one. `ctl.cacert` has them verified.
 */
export function httpOptionsOf({ ctl, rest }: Pick<LocalSettings, 'ctl' | 'rest'>): HttpOptions {
  return {
    basicAuth: ctl.authentication ?? rest.authentication,
    tls: {
      caFile: ctl.cacert,
      certFile: ctl.certFile,
      keyFile: ctl.keyFile,
      insecure: ctl.insecure || ctl.cacert === null,
    },
  };
}
