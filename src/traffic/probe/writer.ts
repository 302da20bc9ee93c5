import type { Write } from '../../model/history.ts';
import type { SqlResult, SqlTarget } from '../../model/world.ts';
import { type Client, type ClientOptions, makeClient, sortOutcome } from '../client.ts';
import type { Served } from '../meter.ts';
import type { Found, Outside } from '../seek.ts';
import { type Finding, makeLedger } from './ledger.ts';
import { append, createProbeTable, held, isMissing, prune } from './statements.ts';

export interface ProbeWriterOptions extends ClientOptions {
  /** Unique to this run of this writer. */
  readonly run: string;
  /** As soon as it is known: what the table needs now and then is not part of what a client feels. */
  readonly served: (served: Served) => void;
  readonly found: (findings: readonly Finding[]) => void;
}

/** What the table is kept to, and what a comparison reaches back to: three minutes and more at the usual pace. */
const rowsKept = 1_000;
const pruneEvery = 100;
const compareEveryMs = 60_000;
const upkeepLimitMs = 5_000;

/**
 * Appends 1, 2, 3, … each once. Now and then, and after whatever went wrong, it reads back what is there of
 * them, for only then can it tell whether a failover lost any.
 */
export function makeProbeWriter(outside: Outside, targets: readonly SqlTarget[], options: ProbeWriterOptions): Client {
  const { clock } = outside;
  const { run } = options;
  const ledger = makeLedger(run, rowsKept);
  let value = 0;
  let compared: { readonly host: string | null; readonly atMs: number } | null = null;
  /** Something went wrong since: a failover may be behind it. */
  let doubt = true;

  async function perform(found: Found, limitMs: number) {
    value += 1;
    const [sentMs, sentWallMs] = [clock.now(), clock.wall()];
    const result = await appendOrCreate(found, limitMs);
    const { outcome, error } = sortOutcome(result);
    const row = result.kind === 'rows' ? result.rows[0] : undefined;
    const host = row?.host ?? null;
    const tookMs = clock.now() - sentMs;
    const served = { outcome, host, role: row === undefined ? null : found.role, value, error } as const;
    options.served({ ...served, tookMs });
    ledger.record(writeOf(served, sentWallMs, found.systemId, row?.timeline_hex ?? null));
    if (outcome === 'acknowledged') await upkeep(found, host);
    else doubt = true;
    return served;
  }

  async function appendOrCreate(found: Found, limitMs: number): Promise<SqlResult> {
    const first = await found.session.query(append(run, value), limitMs);
    if (first.kind !== 'error' || !isMissing(first.sqlState)) return first;
    const created = await createProbeTable(found.session, upkeepLimitMs);
    return created.kind === 'rows' ? found.session.query(append(run, value), limitMs) : created;
  }

  const writeOf = (
    { outcome, host, error }: Pick<Served, 'outcome' | 'host' | 'error'>,
    sentMs: number,
    systemId: string | null,
    timelineHex: string | null,
  ): Write => ({
    kind: 'write',
    outcome,
    client: run,
    key: run,
    value,
    sentMs,
    endedMs: clock.wall(),
    node: host,
    serverMs: null,
    timeline: timelineHex === null ? null : Number.parseInt(timelineHex, 16),
    systemId,
    error,
  });

  /** What fails here is tried again later; if the session is gone, the next append says so. */
  async function upkeep({ session }: Found, host: string | null): Promise<void> {
    if (doubt || compared?.host !== host || clock.now() - compared.atMs >= compareEveryMs) {
      const result = await session.query(held(run), upkeepLimitMs);
      if (result.kind === 'rows') {
        compared = { host, atMs: clock.now() };
        doubt = false;
        const findings = ledger.compare(result.rows.map((row) => Number(row.value)));
        if (findings.length > 0) options.found(findings);
      }
    }
    if (value % pruneEvery === 0) await session.query(prune(run, value - rowsKept), upkeepLimitMs);
  }

  return makeClient(outside, targets, { kind: 'write', wanted: 'primary', perform }, options);
}
