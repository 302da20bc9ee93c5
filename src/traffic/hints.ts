/** By SQLSTATE: what a person can do something about, whatever was asked of the server. */
export const hints: Readonly<Record<string, string>> = {
  '28P01': 'wrong password: PGPASSWORD, ~/.pgpass or passfile= in the connection string',
  '28000': 'pg_hba.conf lets this login not in from here',
  '3D000': 'there is no such database',
  '53300': 'no connection is left',
  '57P03': 'it starts, or shuts down',
  '25006': 'it has become read-only',
};

const forbidden = '42501';
export const undefinedTable = '42P01';

/** What traffic asks of its table. */
export type Wish = 'make' | 'append' | 'read';

/** What was said of an error, and what helps against it, on one line. */
export function whyAndRemedy(
  wish: Wish | 'connect',
  error: string | null,
  why: string | null,
  user: string,
): string | null {
  const remedy = error === null ? null : wish === 'connect' ? (hints[error] ?? null) : remedyOf(wish, error, user);
  const told = [why, remedy].filter((part) => part !== null && part !== '');
  return told.length === 0 ? null : told.join(': ').replace(/\s+/g, ' ');
}

/** What helps this login against what its wish met; null: nothing that is known. */
function remedyOf(wish: Wish, error: string, user: string): string | null {
  if (error === undefinedTable && wish === 'read') return 'matriarch traffic write makes the table';
  if (error !== forbidden) return hints[error] ?? null;
  return `once, as a superuser: ${grants[wish].map((grant) => `GRANT ${grant} TO ${quoted(user)};`).join(' ')}`;
}

const grants: Readonly<Record<Wish, readonly string[]>> = {
  make: ['CREATE ON SCHEMA public'],
  append: ['SELECT, INSERT ON public.matriarch_traffic', 'USAGE ON SEQUENCE public.matriarch_traffic_id_seq'],
  read: ['SELECT ON public.matriarch_traffic'],
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
