/** A request, as far as handlers look at it. */
export interface ApiRequest {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  /** The first value of a repeated key counts. */
  readonly query: Readonly<Record<string, string>>;
  /** Null: no length was told, and no body came. */
  readonly body: string | null;
  /** As browsers tell where a request comes from, and where they believe it goes. */
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

/** What is answered: a value, so that handlers can be judged without a server. */
export type Reply =
  /** A status and nothing else. */
  | { readonly kind: 'bare'; readonly status: number }
  /** Written as Python would. */
  | { readonly kind: 'json'; readonly status: number; readonly value: unknown }
  /** `type` is text/html unless told: that is how Patroni sends its sentences. */
  | {
      readonly kind: 'text';
      readonly status: number;
      readonly text: string;
      readonly type?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** An error as a small HTML page; `why` goes into it, and is the reason phrase unless that is the usual one. */
  | { readonly kind: 'page'; readonly status: number; readonly why?: string }
  /** An answer without end: `start` is given the writer and returns what stops it. */
  | { readonly kind: 'stream'; readonly start: (write: (text: string) => void) => () => void };

export const text = (status: number, sentence: string): Reply => ({ kind: 'text', status, text: sentence });
export const json = (status: number, value: unknown): Reply => ({ kind: 'json', status, value });
export const page = (status: number, why?: string): Reply => ({
  kind: 'page',
  status,
  ...(why === undefined ? {} : { why }),
});
