import type { HostPort, LocalSettings } from '../../model/settings.ts';
import type { ConfigFile, CtlFile } from './schema.ts';

export function readRest(
  rest: ConfigFile['restapi'],
  listen: HostPort,
  connectAddress: HostPort,
): LocalSettings['rest'] {
  return {
    listen,
    connectAddress,
    authentication: rest.authentication ?? null,
    tls: readTls(rest),
    allowlist: rest.allowlist ?? [],
    allowlistIncludeMembers: rest.allowlist_include_members ?? false,
    httpExtraHeaders: rest.http_extra_headers ?? {},
    httpsExtraHeaders: rest.https_extra_headers ?? {},
  };
}

/** A certificate is what switches to https. */
export function readTls(rest: NonNullable<CtlFile['restapi']>): LocalSettings['rest']['tls'] {
  if (rest.certfile === undefined) return null;
  return {
    certFile: rest.certfile,
    keyFile: rest.keyfile ?? null,
    keyPassword: rest.keyfile_password ?? null,
    caFile: rest.cafile ?? null,
    ciphers: rest.ciphers ?? null,
    verifyClient: rest.verify_client ?? 'none',
  };
}

/** How this program calls the API of members. */
export const readCaller = (ctl: CtlFile['ctl']): LocalSettings['ctl'] => ({
  insecure: ctl?.insecure ?? false,
  cacert: ctl?.cacert ?? null,
  certFile: ctl?.certfile ?? null,
  keyFile: ctl?.keyfile ?? null,
  authentication: ctl?.authentication ?? null,
});

/** Beside the data directory, which is replaced as a whole now and then. */
export function stateDirOf(given: string | undefined, dataDir: string): string {
  const at = dataDir.lastIndexOf('/');
  return given ?? `${dataDir.slice(0, at)}/.matriarch-${dataDir.slice(at + 1)}`;
}

export const withoutEndSlash = (path: string): string => path.replace(/\/+$/, '');
