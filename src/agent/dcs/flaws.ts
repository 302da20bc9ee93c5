/** What an etcd server of this version does that costs a cluster its primary, or more; null: nothing that is known. */
export function flawOf(version: string): string | null {
  const [, major, minor, patch] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  if (major !== 3 || minor === undefined || patch === undefined) return null;
  if (minor === 5 && patch < 3)
    return 'after a crash its members may hold different data, and answer by it: run 3.5.13 or newer';
  const mendedIn = minor === 4 ? 31 : minor === 5 ? 13 : null;
  if (mendedIn === null || patch >= mendedIn) return null;
  return `a member of it that was frozen while it led ends leases early when it goes on, and with them the leader key: run 3.${minor}.${mendedIn} or newer`;
}
