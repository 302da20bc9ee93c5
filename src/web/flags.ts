import type { Mark } from './marks.ts';

/** Lines of text above the axis of time. */
export const flagRows = 2;

export interface Flag {
  readonly mark: Mark;
  /** Pixels from the left end of the axis. */
  readonly left: number;
  /** Its name stands to the left of it, since to the right it would leave the plot. */
  readonly before: boolean;
  /** Which line its name stands on; null where no line has room: its title still tells it. */
  readonly row: number | null;
}

const longOf = ({ text }: Mark): number => 6.5 * text.length + 10;

/**
 * Where each name stands. The newest choose first: what somebody has just done is what he looks for, and no older
 * flag nearby may take its place. In the order of the marks.
 */
export function placeFlags(marks: readonly Mark[], xOf: (wallMs: number) => number, width: number): readonly Flag[] {
  const rows: [number, number][][] = Array.from({ length: flagRows }, () => []);
  return marks
    .toReversed()
    .map((mark): Flag => {
      const left = xOf(mark.wallMs);
      const before = left + longOf(mark) > width;
      const [from, to] = before ? [left - longOf(mark), left] : [left, left + longOf(mark)];
      const row = rows.findIndex((taken) => taken.every(([begin, end]) => to <= begin || from >= end));
      rows[row]?.push([from, to]);
      return { mark, left, before, row: row < 0 ? null : row };
    })
    .toReversed();
}
