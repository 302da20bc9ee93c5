import type { LeaseId, Revision } from './units.ts';

/** etcd as the seam knows it: one request to one endpoint. */

export type EtcdCompare =
  | { readonly target: 'create'; readonly key: string; readonly equals: Revision } // 0: the key does not exist
  | { readonly target: 'createNot'; readonly key: string; readonly equals: Revision } // not 0: the key exists
  | { readonly target: 'mod'; readonly key: string; readonly equals: Revision }
  | { readonly target: 'value'; readonly key: string; readonly equals: string }
  | { readonly target: 'lease'; readonly key: string; readonly equals: LeaseId };

export type EtcdOp =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly op: 'delete'; readonly key: string; readonly rangeEnd?: string }
  | { readonly op: 'range'; readonly key: string; readonly rangeEnd?: string };

export interface EtcdKeyValue {
  readonly key: string;
  readonly value: string; // bytes that are no UTF-8 read as U+FFFD
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly lease: LeaseId | null;
}

interface EtcdCalls {
  range: {
    ask: { readonly key: string; readonly rangeEnd?: string; readonly revision?: Revision };
    answer: { readonly kvs: readonly EtcdKeyValue[] };
  };
  txn: {
    ask: {
      readonly compare: readonly EtcdCompare[];
      readonly success: readonly EtcdOp[];
      readonly failure: readonly EtcdOp[];
    };
    /** `ranges`: the answers of the range operations of the branch that ran, in order. */
    answer: { readonly succeeded: boolean; readonly ranges: readonly (readonly EtcdKeyValue[])[] };
  };
  leaseGrant: { ask: { readonly ttlS: number }; answer: { readonly lease: LeaseId; readonly ttlS: number } };
  /** ttlS 0: no such lease any more. */
  leaseKeepAlive: { ask: { readonly lease: LeaseId }; answer: { readonly ttlS: number } };
  leaseRevoke: { ask: { readonly lease: LeaseId }; answer: Record<never, never> };
  /** leftS −1: ended. Whole seconds, rounded down. */
  leaseTimeToLive: { ask: { readonly lease: LeaseId }; answer: { readonly leftS: number; readonly grantedS: number } };
  memberList: { ask: Record<never, never>; answer: { readonly clientUrls: readonly string[] } };
  status: { ask: Record<never, never>; answer: { readonly version: string; readonly leader: bigint } };
  authenticate: { ask: { readonly name: string; readonly password: string }; answer: { readonly token: string } };
}
export type EtcdCall = keyof EtcdCalls;
export type EtcdAsk<C extends EtcdCall> = EtcdCalls[C]['ask'];
export type EtcdAnswer<C extends EtcdCall> = EtcdCalls[C]['answer'];

export interface EtcdHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: Revision;
  readonly raftTerm: bigint;
}

/** How one try at one endpoint ended. */
export type EtcdReply<C extends EtcdCall> =
  | { readonly kind: 'answered'; readonly header: EtcdHeader; readonly answer: EtcdAnswer<C> }
  /** The server said so: a gRPC status. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  /** No answer in time, or the connection broke while waiting. It may have been applied, or still be. */
  | { readonly kind: 'lost'; readonly why: string }
  /** Certainly never sent. */
  | { readonly kind: 'unsent'; readonly why: string };

export type EtcdWatchMessage =
  | { readonly kind: 'created'; readonly header: EtcdHeader }
  | { readonly kind: 'events'; readonly header: EtcdHeader; readonly events: readonly EtcdEvent[] }
  | { readonly kind: 'progress'; readonly header: EtcdHeader }
  | { readonly kind: 'canceled'; readonly compactRevision: Revision | null; readonly why: string }
  /** The stream is over; nothing follows. */
  | { readonly kind: 'ended'; readonly why: string };

export interface EtcdEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly value: string;
  readonly modRevision: Revision;
}

export interface EtcdTransport {
  /** Always settles by `limitMs`. `endpoint` is a URL. `token`: from authenticate. */
  call<C extends EtcdCall>(
    endpoint: string,
    call: C,
    ask: EtcdAsk<C>,
    limitMs: number,
    token: string | null,
  ): Promise<EtcdReply<C>>;
  /** One stream on a session of its own; `hasleader` is always asked for. */
  watch(
    endpoint: string,
    ask: { readonly key: string; readonly rangeEnd: string; readonly startRevision: Revision },
    token: string | null,
    receive: (message: EtcdWatchMessage) => void,
  ): { askProgress(): void; close(): void };
  /** Cuts the session that calls to this endpoint use; the next call connects anew. */
  cut(endpoint: string): void;
  /** `_etcd-client._tcp` and its sisters, as URLs, best first. Empty when nothing was found. */
  resolveSrv(domain: string, limitMs: number): Promise<readonly string[]>;
}
