import type { Happening, LaneSample } from '../model/live.ts';

/** A moment worth a flag on the axis of time. */
export interface Mark {
  readonly wallMs: number;
  readonly text: string;
  readonly kind: 'deed' | 'leader';
}

/** Several machines see the same change one after the other: the first to see it counts. */
const sameMs = 20_000;

const newLeader = /^leader: .* → (?!-$)(.+)$/;
export const isMark = ({ kind, text }: Happening): boolean =>
  kind === 'deed' || (kind === 'changed' && newLeader.test(text));

/** What somebody did, and each new leader. The oldest first. */
export function marksOf(newestFirst: readonly Happening[]): readonly Mark[] {
  const marks: Mark[] = [];
  let leader = { name: '', wallMs: 0 };
  for (const { wall, kind, text } of newestFirst.filter(isMark).toReversed()) {
    const wallMs = Date.parse(wall);
    const name = kind === 'changed' ? (newLeader.exec(text)?.[1] ?? null) : null;
    if (name !== null) {
      const known = leader.name === name && wallMs - leader.wallMs < sameMs;
      if (!known) marks.push({ wallMs, text: `${name} leads`, kind: 'leader' });
      leader = known ? leader : { name, wallMs };
    }
    if (kind === 'deed') marks.push({ wallMs, text, kind: 'deed' });
  }
  return marks;
}

export interface Segment {
  readonly fromWallMs: number;
  readonly host: string;
}

/** From when on which host served. */
export function segmentsOf(samples: readonly LaneSample[]): readonly Segment[] {
  const segments: Segment[] = [];
  for (const { wallMs, host } of samples)
    if (host !== null && segments.at(-1)?.host !== host) segments.push({ fromWallMs: wallMs, host });
  return segments;
}
