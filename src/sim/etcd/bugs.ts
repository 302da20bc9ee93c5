/** What released versions of etcd get wrong, and a run may be given. All off: etcd as it should be. */
export interface EtcdBugs {
  /** Before 3.4.24 and 3.5.8: an event comes twice, with this probability. */
  doubledEvents: number;
  /** Before 3.4.31 and 3.5.13: a watch that lags behind a compaction goes on after it, without what it missed. */
  droppedAtCompaction: boolean;
  /** Before 3.4.38 and 3.5.23: a lease that was revoked this lately is renewed all the same, says the answer. */
  renewsRevokedMs: number;
}

export const noBugs = (): EtcdBugs => ({ doubledEvents: 0, droppedAtCompaction: false, renewsRevokedMs: 0 });
