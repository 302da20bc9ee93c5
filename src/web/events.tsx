import { Component } from 'preact';
import type { Happening } from '../model/live.ts';
import { Facts } from './facts.tsx';
import { keyOf } from './state.ts';
import { clock } from './words.ts';

/** What happened, the newest first; each line opens to why. */
export function Events({ happenings }: { readonly happenings: readonly Happening[] }) {
  return (
    <section class="events" id="events" tabIndex={-1} aria-label="What happened">
      <h2>
        Events <small>those with a mark open to why</small>
      </h2>
      {happenings.length === 0 && <p class="quiet">Nothing yet.</p>}
      <ol>
        {happenings.map((happening) => (
          <Event key={keyOf(happening)} happening={happening} />
        ))}
      </ol>
    </section>
  );
}

/** Drawn once: what happened does not change. */
class Event extends Component<{ readonly happening: Happening }> {
  override shouldComponentUpdate(next: { readonly happening: Happening }): boolean {
    return next.happening !== this.props.happening;
  }
  override render({ happening }: { readonly happening: Happening }) {
    const { wall, node, kind, text, because, decision } = happening;
    const line = (
      <>
        <time dateTime={wall}>{clock(Date.parse(wall))}</time> <b>{node}</b> <Text text={text} rule={decision?.rule} />
      </>
    );
    const opens = because.length > 0 || decision !== null;
    return (
      <li class={`${kind} ${toneOf(happening)}`}>{opens ? <Why happening={happening}>{line}</Why> : <p>{line}</p>}</li>
    );
  }
}

/** The name of a rule reads as a name. */
function Text({ text, rule }: { readonly text: string; readonly rule: string | undefined }) {
  if (rule === undefined || !text.startsWith(`${rule}: `)) return <span>{text}</span>;
  return (
    <span>
      <code>{rule}</code> {text.slice(rule.length + 2)}
    </span>
  );
}

function Why({
  happening: { because, decision },
  children,
}: {
  readonly happening: Happening;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <details>
      <summary>{children}</summary>
      <dl>
        {because.length > 0 && <Row name="because" value={<Facts facts={because} />} />}
        {decision !== null && decision.did.length > 0 && (
          <Row
            name="did"
            value={decision.did.map(({ action, outcome, why, tookMs }) => (
              <span key={action} class={`fact ${outcome === 'done' ? '' : 'bad'}`}>
                {action} {outcome === 'done' ? `${Math.round(tookMs)} ms` : outcome}
                {why === null ? '' : `: ${why}`}
              </span>
            ))}
          />
        )}
        {decision !== null && <Row name="saw" value={<Facts facts={Object.entries(decision.seen)} />} />}
        {decision !== null && decision.passed.length > 0 && (
          <Row
            name="passed over"
            value={decision.passed.map((rule) => (
              <code class="fact" key={rule}>
                {rule}
              </code>
            ))}
          />
        )}
      </dl>
    </details>
  );
}

function Row({ name, value }: { readonly name: string; readonly value: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function toneOf({ kind, text, decision }: Happening): string {
  if (text.startsWith('error: ') || /^\w+ failed: /.test(text)) return 'bad';
  if (text.startsWith('warning: ') || decision?.did.some(({ outcome }) => outcome === 'failed') === true) return 'warn';
  if (kind === 'changed' && /^leader: .* → (?!-$)/.test(text)) return 'lead';
  return '';
}
