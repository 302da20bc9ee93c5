import type { LocalSettings } from '../model/settings.ts';
import type { HttpOptions } from './http.ts';

/** How an agent asks the others: as the section `ctl` says, and with the password of their API, which is that of its own. */
export function httpOptionsOf({ ctl, rest }: Pick<LocalSettings, 'ctl' | 'rest'>): HttpOptions {
  return {
    basicAuth: ctl.authentication ?? rest.authentication,
    tls: {
      caFile: ctl.cacert ?? rest.tls?.caFile ?? null,
      certFile: ctl.certFile,
      keyFile: ctl.keyFile,
      insecure: ctl.insecure,
    },
  };
}
