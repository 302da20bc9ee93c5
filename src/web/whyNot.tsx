import { useRef, useState } from 'preact/hooks';
import type { WhyNot as Told } from '../model/moment.ts';
import { Facts } from './facts.tsx';
import { look } from './look.ts';
import { bytes, duration } from './words.ts';

/** What keeps a node from being promoted now: asked anew each time it is opened. */
export function WhyNot({ name }: { readonly name: string }) {
  const [told, setTold] = useState<Told | string | null>(null);
  const asked = useRef(0);
  const toggled = async ({ currentTarget }: { readonly currentTarget: HTMLDetailsElement }): Promise<void> => {
    asked.current += 1;
    const mine = asked.current;
    setTold(null);
    if (!currentTarget.open) return;
    const answer = await look<Told>('why-not', { node: name });
    if (mine === asked.current) setTold(answer);
  };
  return (
    <details class="whynot" onToggle={toggled}>
      <summary>Why not leader?</summary>
      <div aria-live="polite">
        {told === null ? (
          <p class="quiet">asking …</p>
        ) : typeof told === 'string' ? (
          <p>{told}</p>
        ) : (
          <Answer told={told} />
        )}
      </div>
    </details>
  );
}

function Answer({ told: { name, answer, standing, seenBy, ageMs } }: { readonly told: Told }) {
  if (standing === null) return <p>{name} leads already.</p>;
  const { verdict, position, behindBytes, against, passed } = standing;
  const behind = behindBytes === null || behindBytes === 0 ? '' : `, ${bytes(behindBytes)} behind`;
  return (
    <>
      <p>
        {answer.slice(0, 1).toUpperCase()}
        {answer.slice(1)}
      </p>
      <p>
        <b>{verdict}</b>
        {position === null ? '' : ` at ${position}${behind}`}
      </p>
      {against.length === 0 && <p>No rule speaks against it.</p>}
      {against.map(({ rule, reason, because }) => (
        <p class="against" key={`${rule} ${reason}`}>
          {rule !== null && <code>{rule}</code>} {reason} <Facts facts={because} />
        </p>
      ))}
      {passed.length > 0 && (
        <p class="quiet">
          nothing against it:{' '}
          {passed.map((rule) => (
            <code class="fact" key={rule}>
              {rule}
            </code>
          ))}
        </p>
      )}
      <p class="quiet">
        Played by {seenBy} from what it saw {duration(ageMs)} ago; nothing was changed.
      </p>
    </>
  );
}
