/** Only a section that says where the remote primary is makes a standby cluster: `{}` must not demote anybody. */
export function standbyClusterOf(section: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof section !== 'object' || section === null || Array.isArray(section)) return null;
  const map = section as Readonly<Record<string, unknown>>;
  return ['host', 'port', 'restore_command'].some((name) => Boolean(map[name])) ? map : null;
}
