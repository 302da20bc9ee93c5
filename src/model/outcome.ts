import type { Revision } from './units.ts';

/** How something small on this machine went. */
export type ControlOutcome = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly why: string };

/**
 * How a request to etcd as a whole went, after endpoints and tries. The three ways of not succeeding are never mixed up:
 * refused is authoritative (act on it), unreachable certainly did nothing, unknown may have happened or may still.
 */
export type DcsOutcome<T> =
  | {
      readonly kind: 'done';
      readonly value: T;
      readonly revision: Revision /** when the try that succeeded was sent */;
      readonly sentMs: number;
    }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };
