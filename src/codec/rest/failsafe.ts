import type { PromiseAsk } from '../../model/failsafe.ts';
import { type LeaseId, type Lsn, leaseId, lsnOf, type Term, term } from '../../model/units.ts';
import { compactJson, isObject, type JsonObject, naturalOrNull, textOrNull } from '../dcs/json.ts';
import { hostPortOf } from '../dcs/url.ts';

/** More than this is no ttl but a mistake, or somebody who wants that nobody is ever promoted. */
const ttlMostMs = 3_600_000;

/** What a primary without etcd tells those whose promise it needs. A Patroni reads name, addresses and slots. */
export interface FailsafeCaller {
  readonly name: string;
  readonly connUrl: string | null;
  readonly apiUrl: string | null;
  readonly slots: Readonly<Record<string, Lsn>>;
  readonly term: Term;
  readonly ttlMs: number;
  readonly lsn: Lsn | null;
  /** The member that is asked. */
  readonly asks: string;
  /** As in `PromiseAsk`. */
  readonly tries: readonly LeaseId[];
}

/** The body of POST /failsafe. */
export const writePromiseAsk = ({
  name,
  connUrl,
  apiUrl,
  slots,
  term: reign,
  ttlMs,
  lsn,
  asks,
  tries,
}: FailsafeCaller): string =>
  compactJson({
    name,
    conn_url: connUrl ?? '',
    api_url: apiUrl ?? '',
    slots,
    matriarch: {
      asks,
      term: String(reign),
      ttl_ms: ttlMs,
      ...(lsn === null ? {} : { lsn }),
      ...(tries.length === 0 ? {} : { tries: tries.map(String) }),
    },
  });

/** Whoever tries once a second for the longest ttl has asked for fewer by then. */
const triesMost = 1_000;
const isLease = (value: unknown): value is string => typeof value === 'string' && /^\d{1,19}$/.test(value);

/** A text says what is wrong with it. */
export function readPromiseAsk(body: JsonObject): PromiseAsk | string {
  const name = textOrNull(body.name);
  if (name === null || name === '') return 'name: the member that asks is missing';
  const own = isObject(body.matriarch) ? body.matriarch : {};
  const reign = textOrNull(own.term);
  if (own.term !== undefined && (reign === null || !/^\d{1,19}$/.test(reign)))
    return 'matriarch.term: no number in quotes';
  const ttlMs = own.ttl_ms === undefined ? null : Number(own.ttl_ms);
  if (ttlMs !== null && !(ttlMs > 0 && ttlMs <= ttlMostMs))
    return `matriarch.ttl_ms: no number of milliseconds up to ${ttlMostMs}`;
  const tries = own.tries ?? [];
  if (!Array.isArray(tries) || tries.length > triesMost || !tries.every(isLease))
    return `matriarch.tries: no list of up to ${triesMost} leases, each a number in quotes`;
  const slots = isObject(body.slots) ? body.slots : {};
  const lsn = naturalOrNull(own.lsn);
  return {
    name,
    at: hostPortOf(textOrNull(body.conn_url) ?? ''),
    slots: Object.fromEntries(
      Object.entries(slots).flatMap(([slot, at]) => {
        const position = naturalOrNull(at);
        return position === null ? [] : [[slot, lsnOf(position)] as const];
      }),
    ),
    term: reign === null ? null : term(BigInt(reign)),
    ttlMs,
    lsn: lsn === null || lsn === 0n ? null : lsnOf(lsn),
    asks: textOrNull(own.asks),
    tries: tries.map((one) => leaseId(BigInt(one))),
  };
}

/** Patroni's own word for yes; whatever else is answered is a no. */
export const accepted = 'Accepted';
