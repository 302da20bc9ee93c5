import type { LaneGap, LaneSample, MachinePicture } from '../model/live.ts';
import { flagRows, placeFlags } from './flags.ts';
import { useNow, useWidth } from './hooks.ts';
import { type Mark, segmentsOf } from './marks.ts';
import { Pick } from './pick.tsx';
import { type LaneState, type LiveState, laneSpanMs } from './state.ts';
import { clock, duration } from './words.ts';

const plotHeight = 40;
const flagHeight = 16;
/** Below this width five minutes are too many. */
const narrow = 520;
const minuteMs = 60_000;
/** As little as holds all there is. */
const spansMs = [minuteMs, 2 * minuteMs, laneSpanMs];

interface Props {
  readonly lanes: LiveState['lanes'];
  readonly marks: readonly Mark[];
  readonly machines: readonly MachinePicture[];
  readonly aheadMs: number;
  /** Why at that moment. */
  ask(wallMs: number): void;
}

/** What the clients feel, on one axis of time with what was done to the machines. */
export function Lanes({ lanes, marks: all, machines, aheadMs, ask }: Props) {
  const nowMs = useNow(500) + aheadMs;
  const [element, width] = useWidth<HTMLDivElement>();
  const firstMs = Math.min(...[lanes.write, lanes.read].map(({ samples }) => samples[0]?.wallMs ?? nowMs));
  const fittingMs = spansMs.find((span) => nowMs - firstMs < span - 5_000) ?? laneSpanMs;
  const spanMs = width < narrow ? Math.min(2 * minuteMs, fittingMs) : fittingMs;
  const axis: Axis = { fromMs: nowMs - spanMs, spanMs, width };
  const marks = all.filter(({ wallMs }) => wallMs >= axis.fromMs);
  const nameOf = (host: string | null): string => {
    const address = host?.replace(/:\d+$/, '');
    return machines.find((machine) => machine.address === address || machine.name === address)?.name ?? host ?? '–';
  };
  const common = { axis, nowMs, marks, nameOf, ask };
  return (
    <section class="lanes" aria-label="What the clients feel">
      <h2>
        Clients <small>the last {spanMs === minuteMs ? 'minute' : `${spanMs / minuteMs} minutes`}</small>
      </h2>
      <div class="plots">
        <div class="legend" aria-hidden="true" />
        <div ref={element} class="plot flags">
          {width > 0 && <Flags marks={marks} axis={axis} />}
        </div>
        <LaneRow title="Writes" lane={lanes.write} {...common} />
        <LaneRow title="Reads" lane={lanes.read} {...common} />
        <div class="legend" aria-hidden="true" />
        <div class="plot ticks" aria-hidden="true">
          {width > 0 && <Ticks axis={axis} />}
        </div>
      </div>
      <Voice lanes={lanes} />
    </section>
  );
}

/** For who listens: that a client has stood still for a while, and that it is over. */
function Voice({ lanes }: { readonly lanes: LiveState['lanes'] }) {
  const nowMs = useNow(1_000);
  const still = (['write', 'read'] as const).filter((kind) => {
    const open = lanes[kind].gaps.find(({ toWallMs }) => toWallMs === null);
    return open !== undefined && nowMs - open.fromWallMs > spokenMs;
  });
  return (
    <p class="unseen" aria-live="polite">
      {still.length === 0
        ? 'Clients are served'
        : `No ${still.map((kind) => `${kind}s`).join(' and no ')} at the moment`}
    </p>
  );
}
const spokenMs = 2_000;

interface Axis {
  readonly fromMs: number;
  readonly spanMs: number;
  readonly width: number;
}

const x = (axis: Axis, wallMs: number): number => ((wallMs - axis.fromMs) / axis.spanMs) * axis.width;

interface RowProps {
  readonly title: string;
  readonly lane: LaneState;
  readonly axis: Axis;
  readonly nowMs: number;
  readonly marks: readonly Mark[];
  nameOf(host: string | null): string;
  ask(wallMs: number): void;
}

function LaneRow({ title, lane: { now, samples, gaps }, axis, nowMs, marks, nameOf, ask }: RowProps) {
  const shown = gaps.filter(({ toWallMs }) => (toWallMs ?? nowMs) > axis.fromMs);
  const open = shown.find(({ toWallMs }) => toWallMs === null);
  return (
    <>
      <div class={`legend ${open === undefined ? '' : 'bad'}`}>
        <h3>{title}</h3>
        {now === null ? (
          <p>no client yet</p>
        ) : (
          <p>
            {open === undefined ? (
              <span>
                <b>{nameOf(now.host)}</b> {now.perSecond}/s
              </span>
            ) : (
              <b>nothing for {duration(nowMs - open.fromWallMs)}</b>
            )}
            <small>
              longest gap {duration(now.longestGapMs)}
              {now.failed > 0 && `, ${now.failed} failed`}
              {now.unknown > 0 && `, ${now.unknown} unknown`}
            </small>
          </p>
        )}
      </div>
      <figure class="plot" aria-label={`${title}: ${shown.length} gaps in ${axis.spanMs / minuteMs} min`}>
        {axis.width > 0 && (
          <svg width={axis.width} height={plotHeight} aria-hidden="true">
            <Bars samples={samples} axis={axis} />
            {marks.map((mark) => (
              <line
                class={`mark ${mark.kind}`}
                key={mark.wallMs}
                x1={x(axis, mark.wallMs)}
                x2={x(axis, mark.wallMs)}
                y1="0"
                y2={plotHeight}
              />
            ))}
          </svg>
        )}
        {axis.width > 0 && <Pick title={title} nowMs={nowMs} ask={ask} {...axis} />}
        {segmentsOf(samples).map(({ fromWallMs, host }) => (
          <span
            class="host"
            key={fromWallMs}
            style={{ left: `${Math.max(0, x(axis, Math.max(fromWallMs, axis.fromMs)))}px` }}
          >
            {nameOf(host)}
          </span>
        ))}
        {shown.map((gap) => (
          <Gap key={gap.fromWallMs} gap={gap} axis={axis} nowMs={nowMs} title={title} />
        ))}
      </figure>
    </>
  );
}

function Gap({
  gap,
  axis,
  nowMs,
  title,
}: {
  readonly gap: LaneGap;
  readonly axis: Axis;
  readonly nowMs: number;
  readonly title: string;
}) {
  const toMs = gap.toWallMs ?? nowMs;
  const left = Math.max(0, x(axis, gap.fromWallMs));
  const width = Math.max(2, x(axis, toMs) - left);
  const long = duration(toMs - gap.fromWallMs);
  // A label that would leave the plot on the right stands on the left of its gap.
  const side = left > axis.width - 80 ? 'before' : 'after';
  return (
    <span
      class={`gap ${width > 60 ? 'inside' : side}`}
      style={{ left: `${left}px`, width: `${width}px` }}
      role="img"
      aria-label={`${title} stood still for ${long} from ${clock(gap.fromWallMs)}`}
    >
      <span>{long}</span>
    </span>
  );
}

/** One bar a second, in one path. */
function Bars({ samples, axis }: { readonly samples: readonly LaneSample[]; readonly axis: Axis }) {
  const most = Math.max(1, ...samples.map(({ perSecond }) => perSecond));
  const bar = Math.max(1, (axis.width / axis.spanMs) * 1000 - 1);
  const path = samples
    .filter(({ wallMs, perSecond }) => wallMs >= axis.fromMs && perSecond > 0)
    .map(
      ({ wallMs, perSecond }) =>
        `M${x(axis, wallMs - 500).toFixed(1)} ${plotHeight}v-${((perSecond / most) * (plotHeight - 16)).toFixed(1)}`,
    )
    .join('');
  return <path class="bars" d={path} stroke-width={bar} />;
}

/** What was done, and who leads since: a name where there is room for it. */
function Flags({ marks, axis }: { readonly marks: readonly Mark[]; readonly axis: Axis }) {
  return (
    <>
      {placeFlags(marks, (wallMs) => x(axis, wallMs), axis.width).map(({ mark, left, before, row }) => (
        <span
          key={mark.wallMs}
          class={`flag ${mark.kind} ${before ? 'before' : ''}`}
          style={{
            top: `${(row ?? flagRows - 1) * flagHeight}px`,
            ...(before ? { right: `${axis.width - left}px` } : { left: `${left}px` }),
          }}
          title={`${clock(mark.wallMs)} ${mark.text}`}
        >
          {row === null ? '' : mark.text}
        </span>
      ))}
    </>
  );
}

function Ticks({ axis }: { readonly axis: Axis }) {
  const everyMs = axis.spanMs === laneSpanMs ? minuteMs : axis.spanMs / 4;
  const first = Math.ceil(axis.fromMs / everyMs) * everyMs;
  const ticks = Array.from(
    { length: Math.floor((axis.fromMs + axis.spanMs - first) / everyMs) + 1 },
    (_, nth) => first + nth * everyMs,
  );
  return (
    <>
      {ticks.map((wallMs) => (
        <span key={wallMs} style={{ left: `${x(axis, wallMs)}px` }}>
          {clock(wallMs)}
        </span>
      ))}
    </>
  );
}
