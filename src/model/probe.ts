/**
 * A time in which a client of the database got no answer, as a probe tells it. The instants are given as "so long ago", for
 * whoever asks has another clock.
 */
export interface ClientGap {
  readonly kind: 'write' | 'read';
  /** The way it took: `ha:5000/app`. */
  readonly target: string;
  readonly gapMs: number;
  /** The probe's clock at its begin, ms since 1970; for people. */
  readonly fromWallMs: number;
  readonly beganAgoMs: number;
  /** Null: it is still running. */
  readonly endedAgoMs: number | null;
  /** Who answered before it, and who after; null: nobody, or not yet. */
  readonly hostBefore: string | null;
  readonly hostAfter: string | null;
}
