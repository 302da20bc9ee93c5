import { Component } from 'preact';
import { useState } from 'preact/hooks';
import type { Happening } from '../model/live.ts';
import { Facts } from './facts.tsx';
import { Did, Moment, Row } from './moment.tsx';
import { keyOf } from './state.ts';
import { clock } from './words.ts';

/** Each line is moved by each new one: with so many a storm of them leaves time to draw. */
const shownAtFirst = 60;

/** What happened, the newest first; each line opens to why. */
export function Events({ happenings }: { readonly happenings: readonly Happening[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? happenings : happenings.slice(0, shownAtFirst);
  const more = happenings.length - shown.length;
  return (
    <section class="events" id="events" tabIndex={-1} aria-label="What happened">
      <h2>
        Events <small>each opens to why; ↑ and ↓ go from one to the next</small>
      </h2>
      <AnyMoment />
      {happenings.length === 0 && <p class="quiet">Nothing yet.</p>}
      <ol onKeyDown={move}>
        {shown.map((happening) => (
          <Event key={keyOf(happening)} happening={happening} />
        ))}
      </ol>
      {more > 0 && (
        <button type="button" class="ask" onClick={() => setAll(true)}>
          Show {more} older
        </button>
      )}
    </section>
  );
}

/** From line to line; what is open goes along. */
function move(event: KeyboardEvent & { readonly currentTarget: HTMLOListElement }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
  const lines = [...event.currentTarget.querySelectorAll<HTMLElement>('li > details > summary')];
  const at = event.target instanceof HTMLElement ? lines.indexOf(event.target) : -1;
  const [here, there] = [lines[at], lines[at + step]];
  if (step === 0 || here === undefined || there === undefined) return;
  event.preventDefault();
  there.focus();
  const [left, entered] = [here.parentElement, there.parentElement];
  if (!(left instanceof HTMLDetailsElement) || !(entered instanceof HTMLDetailsElement) || !left.open) return;
  left.open = false;
  entered.open = true;
}

const openedMs = Date.now();
const localSecond = (wallMs: number): string =>
  new Date(wallMs - new Date(wallMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

/** The journals go further back than the list. */
function AnyMoment() {
  const [at, setAt] = useState<string | null>(null);
  const ask = (event: SubmitEvent): void => {
    event.preventDefault();
    const typed = event.target instanceof HTMLFormElement ? new FormData(event.target).get('at') : null;
    const atMs = Date.parse(String(typed));
    setAt(Number.isNaN(atMs) ? null : new Date(atMs).toISOString());
  };
  return (
    <form class="any" onSubmit={ask}>
      <label>
        Why at <input type="datetime-local" name="at" step="1" defaultValue={localSecond(openedMs)} required />
      </label>
      <button type="submit" class="ask">
        Ask
      </button>
      {at !== null && (
        <>
          <button type="button" class="ask" onClick={() => setAt(null)}>
            Close
          </button>
          <section class="why" aria-label="What was decided then" aria-live="polite">
            <Moment at={at} node={null} />
          </section>
        </>
      )}
    </form>
  );
}

/** Drawn once: what happened does not change. */
class Event extends Component<{ readonly happening: Happening }> {
  override shouldComponentUpdate(next: { readonly happening: Happening }): boolean {
    return next.happening !== this.props.happening;
  }
  override render({ happening }: { readonly happening: Happening }) {
    return (
      <li class={`${happening.kind} ${toneOf(happening)}`}>
        <Why happening={happening} />
      </li>
    );
  }
}

function Why({ happening }: { readonly happening: Happening }) {
  const [open, setOpen] = useState(false);
  const { wall, node, text, decision } = happening;
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <time dateTime={wall}>{clock(Date.parse(wall))}</time> <b>{node}</b> <Text text={text} rule={decision?.rule} />
      </summary>
      {open && <Told happening={happening} />}
    </details>
  );
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

/** What came with it, and what its node had decided at that moment; for what people did, all nodes. */
function Told({ happening: { wall, node, kind, because, decision } }: { readonly happening: Happening }) {
  return (
    <div class="why">
      <dl>
        {because.length > 0 && (
          <Row name="because">
            <Facts facts={because} />
          </Row>
        )}
        {decision !== null && decision.did.length > 0 && (
          <Row name="did">
            <Did did={decision.did} />
          </Row>
        )}
        {decision !== null && (
          <Row name="saw">
            <Facts facts={Object.entries(decision.seen)} />
          </Row>
        )}
      </dl>
      <Moment
        at={wall}
        node={kind === 'deed' ? null : node}
        shown={decision === null ? null : { wall, rule: decision.rule }}
      />
    </div>
  );
}

function toneOf({ kind, text, decision }: Happening): string {
  if (text.startsWith('error: ') || /^\w+ failed: /.test(text)) return 'bad';
  if (text.startsWith('warning: ') || decision?.did.some(({ outcome }) => outcome === 'failed') === true) return 'warn';
  if (kind === 'changed' && /^leader: .* → (?!-$)/.test(text)) return 'lead';
  return '';
}
