/**
 * What an error of etcd says about the request. `refused`: asking again is no use. `again`: certainly not done, another
 * member or moment may do it. `doubt`: it may have been done, or still be. `token`: authenticate anew.
 */
export type ErrorKind = 'refused' | 'again' | 'doubt' | 'token';

/** Texts come first: etcd's codes changed from version to version, its texts did not. */
export function kindOfError(code: number, message: string): ErrorKind {
  if (texts.token.test(message)) return 'token';
  if (texts.again.test(message)) return 'again';
  return refusedCodes.has(code) ? 'refused' : 'doubt';
}

const texts = {
  token: /invalid auth token|user name is empty|revision of auth store is old|authentication is not enabled/,
  /** Said before anything was proposed to the cluster. */
  again:
    /etcdserver: no leader|too many requests|not supported for learner|not capable|corrupt|space exceeded|unhealthy cluster/,
};

/** Invalid argument, not found, already exists, permission denied, failed precondition, out of range, unimplemented, unauthenticated. */
const refusedCodes: ReadonlySet<number> = new Set([3, 5, 6, 7, 9, 11, 12, 16]);

/** `etcdserver: requested lease not found`. */
export const noSuchLease = 5;
