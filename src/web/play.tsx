import type { PlayedStep, PlayPicture } from '../model/livePlay.ts';
import { Act } from './act.tsx';
import { useNow } from './hooks.ts';
import { standOf } from './verdict.ts';
import { age, duration } from './words.ts';

/** A scenario as it is played, step by step, and what came of it. */
export function Play({ play, aheadMs }: { readonly play: PlayPicture; readonly aheadMs: number }) {
  const { number, title, startedWallMs, endedWallMs, steps, verdict } = play;
  const nowMs = useNow(1_000) + aheadMs;
  const { tone, sentence } = standOf(play);
  return (
    <article class="play" aria-label={title}>
      <header>
        <h3>{title}</h3>
        <p class={`state ${tone}`} role="status">
          <span class="lamp" aria-hidden="true" />
          {sentence}
        </p>
        <small>{age((endedWallMs ?? nowMs) - startedWallMs)}</small>
        {verdict === null && (
          <Act deed={{ deed: 'stopPlay' }} label={`stop: ${title}`}>
            Stop
          </Act>
        )}
        {verdict?.report === true && (
          <a href={`ui/report/${number}`} target="_blank" rel="noopener">
            Open the report
          </a>
        )}
      </header>
      {verdict?.complaints.map((complaint) => (
        <p class="complaint" key={complaint}>
          {complaint}
        </p>
      ))}
      <ol>
        {steps.map((step, index) => (
          <Step key={index} step={step} />
        ))}
      </ol>
    </article>
  );
}

const marks: Readonly<Record<PlayedStep['state'], string>> = { ahead: '·', now: '▸', done: '✓', failed: '✗' };

function Step({ step: { text, state, why, tookMs } }: { readonly step: PlayedStep }) {
  return (
    <li class={state} aria-current={state === 'now' ? 'step' : undefined}>
      <span aria-hidden="true">{marks[state]}</span>
      <span>
        {text}
        {why !== null && `: ${why}`}
      </span>
      {tookMs !== null && <small>{duration(tookMs)}</small>}
    </li>
  );
}
