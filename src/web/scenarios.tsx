import { useContext } from 'preact/hooks';
import type { PlayPicture, ScenarioPicture } from '../model/livePlay.ts';
import { Act, Acting } from './act.tsx';
import { Play } from './play.tsx';

interface Props {
  readonly scenarios: readonly ScenarioPicture[];
  readonly play: PlayPicture | null;
  readonly aheadMs: number;
}

/** Accidents with a verdict: the one that is played, and those that may be. */
export function Scenarios({ scenarios, play, aheadMs }: Props) {
  const acts = useContext(Acting) !== null;
  const busy = play !== null && play.endedWallMs === null;
  return (
    <section class="scenarios" tabIndex={-1} aria-label="Scenarios">
      <h2>
        Scenarios <small>accidents that are played on this lab, each with a verdict</small>
      </h2>
      {play !== null && <Play key={play.number} play={play} aheadMs={aheadMs} />}
      <details>
        <summary>
          {scenarios.filter(({ whyNot }) => whyNot === null).length} of {scenarios.length} can be played here
        </summary>
        <ul>
          {scenarios.map((scenario) => (
            <Choice key={scenario.name} scenario={scenario} offered={acts && !busy} />
          ))}
        </ul>
      </details>
    </section>
  );
}

function Choice({ scenario, offered }: { readonly scenario: ScenarioPicture; readonly offered: boolean }) {
  const { name, title, description, long, red, whyNot } = scenario;
  return (
    <li class={whyNot === null ? '' : 'unfit'}>
      <div>
        <h3>{title}</h3>
        <p>{description}</p>
        {long && <p>It takes many minutes.</p>}
        {red !== null && <p>Known to fail: {red}</p>}
        {whyNot !== null && <p>Not here: {whyNot}.</p>}
      </div>
      {offered && whyNot === null && (
        <Act deed={{ deed: 'play', scenario: name }} label={`play: ${title}`}>
          Play
        </Act>
      )}
    </li>
  );
}
