import { useState } from 'preact/hooks';
import { clock } from './words.ts';

interface Props {
  readonly title: string;
  readonly fromMs: number;
  readonly spanMs: number;
  readonly width: number;
  readonly nowMs: number;
  ask(wallMs: number): void;
}

/** In seconds, to the right. */
const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };

/** A moment on the axis of a lane, under the pointer or moved by keys: a click or Enter asks what was decided then. */
export function Pick({ title, fromMs, spanMs, width, nowMs, ask }: Props) {
  const [chosenMs, setChosenMs] = useState<number | null>(null);
  const within = (wallMs: number): number => Math.min(nowMs, Math.max(fromMs, wallMs));
  const atMs = within(chosenMs ?? nowMs);
  const left = ((atMs - fromMs) / spanMs) * width;
  const under = (event: MouseEvent & { readonly currentTarget: HTMLElement }): number =>
    within(fromMs + ((event.clientX - event.currentTarget.getBoundingClientRect().left) / width) * spanMs);
  function onKeyDown(event: KeyboardEvent): void {
    const step = steps[event.key];
    const to = { Home: fromMs, End: nowMs }[event.key] ?? (step === undefined ? null : atMs + step * 1_000);
    if (to !== null) setChosenMs(within(to));
    else if (event.key === 'Enter' || event.key === ' ') ask(atMs);
    else return;
    event.preventDefault();
  }
  return (
    <div
      class="pick"
      role="slider"
      tabIndex={0}
      aria-label={`A moment of the ${title.toLowerCase()}: Enter asks why`}
      aria-valuemin={Math.round(-spanMs / 1_000)}
      aria-valuemax={0}
      aria-valuenow={Math.round((atMs - nowMs) / 1_000)}
      aria-valuetext={clock(atMs)}
      onKeyDown={onKeyDown}
      onFocus={() => setChosenMs((before) => before ?? nowMs)}
      onBlur={() => setChosenMs(null)}
      onPointerMove={(event) => setChosenMs(under(event))}
      onPointerLeave={() => setChosenMs(null)}
      onClick={(event) => ask(under(event))}
    >
      {chosenMs !== null && (
        <span class={`at ${left > width - 110 ? 'before' : ''}`} style={{ left: `${left}px` }} aria-hidden="true">
          <span>Why at {clock(atMs)}?</span>
        </span>
      )}
    </div>
  );
}
