import type { Happening, Lane, LaneGap, LaneSample, LiveMessage, Picture } from '../model/live.ts';
import type { PlayPicture, ScenarioPicture } from '../model/livePlay.ts';
import { isMark, type Mark, marksOf } from './marks.ts';

/** All that the page knows, and how a message changes it. Pure: the same messages give the same page. */
export interface LiveState {
  readonly picture: Picture | null;
  /** Server's wall clock minus ours; the same number for as long as it is about right, so that nothing is drawn anew for it. */
  readonly aheadMs: number;
  /** The newest first. */
  readonly happenings: readonly Happening[];
  /** Of what happened, the moments that stand on the axis of time. */
  readonly marks: readonly Mark[];
  readonly lanes: { readonly write: LaneState; readonly read: LaneState };
  /** None on an agent's page. */
  readonly scenarios: readonly ScenarioPicture[];
  readonly play: PlayPicture | null;
}

export interface LaneState {
  readonly now: Lane['now'];
  readonly samples: readonly LaneSample[];
  readonly gaps: readonly LaneGap[];
}

const emptyLane: LaneState = { now: null, samples: [], gaps: [] };
export const nothingYet: LiveState = {
  picture: null,
  aheadMs: 0,
  happenings: [],
  marks: [],
  lanes: { write: emptyLane, read: emptyLane },
  scenarios: [],
  play: null,
};

export const laneSpanMs = 5 * 60_000;
const happeningsMost = 250;

export function apply(state: LiveState, message: LiveMessage, nowWallMs: number): LiveState {
  switch (message.kind) {
    case 'picture':
      return { ...state, picture: message.picture, aheadMs: aheadOf(state, message.wallMs - nowWallMs) };
    case 'pulse':
      return { ...state, aheadMs: aheadOf(state, message.wallMs - nowWallMs) };
    case 'happened': {
      // An agent tells of itself alone, as it comes: its clock may be set back meanwhile.
      const sorted = state.picture?.source !== 'agent';
      const happenings = withMore(state.happenings, message.happenings, sorted);
      const marks = message.happenings.some(isMark) ? marksOf(happenings) : state.marks;
      return { ...state, happenings, marks };
    }
    case 'lanes':
      return { ...state, lanes: message.lanes.reduce(withLane, state.lanes) };
    case 'scenarios':
      return { ...state, scenarios: message.scenarios };
    case 'play':
      return { ...state, play: message.play };
    default:
      return message satisfies never;
  }
}

const aheadOf = ({ aheadMs }: LiveState, nowAheadMs: number): number =>
  Math.abs(nowAheadMs - aheadMs) < 80 ? aheadMs : nowAheadMs;

export const keyOf = ({ wall, node, text }: Happening): string => `${wall} ${node} ${text}`;

/** Told again after each new connection: what is there already is passed over. */
function withMore(before: readonly Happening[], more: readonly Happening[], sorted: boolean): readonly Happening[] {
  const known = new Set(before.map(keyOf));
  const fresh = more.filter((one) => !known.has(keyOf(one)));
  if (fresh.length === 0) return before;
  // Of one instant the later comes first, too.
  const all = [...fresh.toReversed(), ...before];
  return (sorted ? all.sort((a, b) => b.wall.localeCompare(a.wall)) : all).slice(0, happeningsMost);
}

function withLane(lanes: LiveState['lanes'], { kind, now, samples, gaps }: Lane): LiveState['lanes'] {
  const before = lanes[kind];
  const bySecond = new Map([...before.samples, ...samples].map((one) => [Math.floor(one.wallMs / 1000), one]));
  const byBegin = new Map([...before.gaps, ...gaps].map((gap) => [gap.fromWallMs, gap]));
  const last = [...bySecond.values()].at(-1)?.wallMs ?? 0;
  return {
    ...lanes,
    [kind]: {
      now: now ?? before.now,
      samples: [...bySecond.values()].filter(({ wallMs }) => wallMs >= last - laneSpanMs),
      gaps: [...byBegin.values()].filter(({ toWallMs }) => toWallMs === null || toWallMs >= last - laneSpanMs),
    },
  };
}
