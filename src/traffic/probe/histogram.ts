/** Times of answered statements, as Prometheus counts them: how many were not longer than each bound. */
export interface Histogram {
  /** Upper bounds in ms, rising; the count of all is `count`. */
  readonly buckets: readonly { readonly leMs: number; readonly count: number }[];
  readonly count: number;
  readonly sumMs: number;
}

const boundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

export const emptyHistogram: Histogram = {
  buckets: boundsMs.map((leMs) => ({ leMs, count: 0 })),
  count: 0,
  sumMs: 0,
};

export const withSample = ({ buckets, count, sumMs }: Histogram, tookMs: number): Histogram => ({
  buckets: buckets.map((bucket) => (tookMs <= bucket.leMs ? { ...bucket, count: bucket.count + 1 } : bucket)),
  count: count + 1,
  sumMs: sumMs + tookMs,
});
