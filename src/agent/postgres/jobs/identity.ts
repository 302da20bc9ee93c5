import type { Upstream } from '../../../model/postgres.ts';
import type { SqlResult } from '../../../model/world.ts';
import type { PostgresParts } from '../parts.ts';
import { peerTarget, runOnce, whyNot } from '../sessions.ts';
import { identifySystem } from '../statements.ts';

const limitMs = 3_000;

/** An address may be anybody's by now: what is copied from there, or given up for what is there, must be this cluster's. */
export const anotherCluster = ({ member, host, port }: Upstream, found: string, expected: string): string =>
  `${member}'s address ${host}:${port} leads to a server of another cluster: its system identifier is ${found}, and this cluster's is ${expected}. See to postgresql.connect_address in ${member}'s file, and to what listens there`;

/** By the connection that a copy is made by. */
export function identify(parts: PostgresParts, { host, port }: Upstream): Promise<SqlResult> {
  const settings = parts.settings();
  const { replication } = settings.local.postgres;
  // Not the member's own name: nobody is to take this walsender for that of a standby.
  const target = { ...peerTarget(settings, host, port, replication, true), applicationName: 'Patroni identity' };
  return runOnce(parts.world.sql, target, [identifySystem], limitMs);
}

export type Identity =
  | { readonly kind: 'ours'; readonly systemId: string }
  | { readonly kind: 'other'; readonly why: string }
  /** It did not say. */
  | { readonly kind: 'unknown'; readonly why: string; readonly answer: SqlResult };

/** Whose server answers at the source's address? `expected`: null: the cluster does not know itself. */
export async function identityOf(parts: PostgresParts, source: Upstream, expected: string | null): Promise<Identity> {
  const answer = await identify(parts, source);
  const where = `${source.member} (${source.host}:${source.port})`;
  if (answer.kind !== 'rows') return { kind: 'unknown', why: `${where}: ${whyNot(answer)}`, answer };
  const found = answer.rows[0]?.systemid ?? null;
  if (found === null) return { kind: 'unknown', why: `${where} does not tell its system identifier`, answer };
  return expected === null || found === expected
    ? { kind: 'ours', systemId: found }
    : { kind: 'other', why: anotherCluster(source, found, expected) };
}
