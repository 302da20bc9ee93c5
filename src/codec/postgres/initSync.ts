/**
 * Before it recovers from a crash PostgreSQL flushes every file of the data directory, one by one: most of the outage after
 * a killed postmaster, and minutes where there are many tables. `syncfs` flushes the whole file system in one call. It is
 * there from PostgreSQL 14 on, and reports write errors from Linux 5.8 on; before that it must not be trusted.
 */
export function initSyncDefault(pgVersion: string, kernelRelease: string): Readonly<Record<string, string>> {
  const major = Number.parseInt(pgVersion, 10);
  const [kernel = 0, patch = 0] = kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  const sound = major >= 14 && (kernel > 5 || (kernel === 5 && patch >= 8));
  return sound ? { recovery_init_sync_method: 'syncfs' } : {};
}
