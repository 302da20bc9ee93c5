import { Component } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Happening } from '../model/live.ts';
import { Facts } from './facts.tsx';
import { Did, Moment, Row } from './moment.tsx';
import { keyOf } from './state.ts';
import { clock, duration } from './words.ts';

/** Each line is moved by each new one: with so many a storm of them leaves time to draw. */
const shownAtFirst = 60;

/** What happened, the newest first; each line opens to why. */
export function Events({ happenings, at, ask }: Asked & { readonly happenings: readonly Happening[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? happenings : happenings.slice(0, shownAtFirst);
  const more = happenings.length - shown.length;
  return (
    <section class="events" id="events" tabIndex={-1} aria-label="What happened">
      <h2>
        Events <small>each opens to why; ↑ and ↓ go from one to the next</small>
      </h2>
      <AnyMoment at={at} ask={ask} />
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

interface Asked {
  /** A moment that somebody asks about, here or on the axis of the clients; null: none. */
  readonly at: string | null;
  ask(at: string | null): void;
}

/** The journals go further back than the list. */
function AnyMoment({ at, ask }: Asked) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (at !== null) form.current?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const typed = event.target instanceof HTMLFormElement ? new FormData(event.target).get('at') : null;
    const atMs = Date.parse(String(typed));
    ask(Number.isNaN(atMs) ? null : new Date(atMs).toISOString());
  };
  return (
    <form class="any" onSubmit={submit} ref={form}>
      <label>
        Why at{' '}
        <input
          type="datetime-local"
          name="at"
          step="1"
          defaultValue={localSecond(at === null ? openedMs : Date.parse(at))}
          key={at}
          required
        />
      </label>
      <button type="submit" class="ask">
        Ask
      </button>
      {at !== null && (
        <>
          <button type="button" class="ask" onClick={() => ask(null)}>
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
  const { wall, skewMs, node, text, decision } = happening;
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <time dateTime={wall}>{clock(Date.parse(wall))}</time> <b>{node}</b>
        {skewMs !== 0 && <Skew skewMs={skewMs} />} <Text text={text} rule={decision?.rule} />
      </summary>
      {open && <Told happening={happening} />}
    </details>
  );
}

/** The line stands where it belongs; what its node took the time for is told beside it. */
function Skew({ skewMs }: { readonly skewMs: number }) {
  const long = duration(Math.abs(skewMs));
  return (
    <small class="skew" title="Shown by the lab's clock">
      {' '}
      clock {long} {skewMs > 0 ? 'ahead' : 'behind'}
    </small>
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
