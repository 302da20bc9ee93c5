import { render } from 'preact';
import { useCallback, useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import type { LiveMessage, Picture } from '../model/live.ts';
import { Acting } from './act.tsx';
import { Client } from './client.tsx';
import { ask, type Deed, key } from './deeds.ts';
import { Events } from './events.tsx';
import { Facts } from './facts.tsx';
import { useNow } from './hooks.ts';
import { Lanes } from './lanes.tsx';
import { type Link, listen } from './link.ts';
import { Machine } from './machine.tsx';
import { Scenarios } from './scenarios.tsx';
import { SignIn, type SignInProps } from './signIn.tsx';
import { apply, type LiveState, nothingYet } from './state.ts';
import { foresightOf, verdictOf } from './verdict.ts';
import { age } from './words.ts';

const takeAll = (state: LiveState, messages: readonly LiveMessage[]): LiveState =>
  messages.reduce((before, message) => apply(before, message, Date.now()), state);

interface Login {
  readonly user: string | null;
  readonly authorization: string | null;
}

function App() {
  const [state, take] = useReducer(takeAll, nothingYet);
  const [link, setLink] = useState<Link>('opening');
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => listen('ui/stream', take, setLink), []);
  const [login, setLogin] = useState<Login>({ user: null, authorization: null });
  const { user, authorization } = login;
  const act = useCallback(async (deed: Deed) => setProblem(await ask(deed, authorization)), [authorization]);
  const signed = useCallback<SignInProps['signed']>((who, proof) => setLogin({ user: who, authorization: proof }), []);

  const { picture, aheadMs } = state;
  if (picture === null)
    return <p class="waiting">{link === 'lost' ? 'Nobody answers here; trying again …' : 'Listening …'}</p>;
  const mayAct = picture.source === 'lab' ? key !== '' : authorization !== null;
  return (
    <Acting.Provider value={mayAct ? act : null}>
      <div class={`live ${link === 'lost' ? 'stale' : ''}`}>
        <button type="button" class="skip" onClick={() => document.getElementById('events')?.focus()}>
          Skip to the events
        </button>
        <Head picture={picture} link={link} aheadMs={aheadMs} />
        {picture.source === 'agent' && <SignIn user={user} paused={picture.paused} signed={signed} />}
        <main>
          {problem !== null && (
            <p class="problem" role="alert">
              {problem}{' '}
              <button type="button" class="act" onClick={() => setProblem(null)}>
                Dismiss
              </button>
            </p>
          )}
          <Body state={state} picture={picture} />
        </main>
      </div>
    </Acting.Provider>
  );
}

/** Each part is drawn anew for what it shows alone: a storm of events does not move the machines. */
function Body({ state, picture }: { readonly state: LiveState; readonly picture: Picture }) {
  const { aheadMs, happenings, marks, lanes, scenarios, play } = state;
  const { machines, client } = picture;
  /** The moment that is asked about, ISO 8601. */
  const [at, setAt] = useState<string | null>(null);
  const drawnMachines = useMemo(
    () => (
      <section aria-label="Machines">
        <h2 class="unseen">Machines</h2>
        <ul
          class={`machines ${picture.source} ${hasCables(picture) ? '' : 'uncabled'}`}
          style={{ '--columns': columnsOf(picture) }}
        >
          {machines.map((machine) => (
            <Machine key={machine.name} machine={machine} picture={picture} aheadMs={aheadMs} />
          ))}
          {client !== null && <Client client={client} machines={machines} />}
        </ul>
        {picture.source === 'lab' && key === '' && (
          <p class="quiet">
            To look at only: <code>matriarch lab page</code> prints the address with the key that brings the buttons.
          </p>
        )}
      </section>
    ),
    [picture, machines, client, aheadMs],
  );
  const drawnLanes = useMemo(
    () =>
      client !== null && (
        <Lanes
          lanes={lanes}
          marks={marks}
          machines={machines}
          aheadMs={aheadMs}
          ask={(wallMs) => setAt(new Date(wallMs).toISOString())}
        />
      ),
    [client, lanes, marks, machines, aheadMs],
  );
  const drawnScenarios = useMemo(
    () => scenarios.length > 0 && <Scenarios scenarios={scenarios} play={play} aheadMs={aheadMs} />,
    [scenarios, play, aheadMs],
  );
  const drawnEvents = useMemo(() => <Events happenings={happenings} at={at} ask={setAt} />, [happenings, at]);
  return (
    <>
      {drawnMachines}
      {drawnLanes}
      {drawnScenarios}
      {drawnEvents}
    </>
  );
}

const hasCables = ({ machines }: Picture): boolean => machines.some(({ beside }) => beside?.cable != null);

/** Two rows of the same length, where one would be too long. */
function columnsOf({ machines, client }: Picture): number {
  const count = machines.length + (client === null ? 0 : 1);
  return count <= 4 ? count : Math.ceil(count / 2);
}

function Head({
  picture,
  link,
  aheadMs,
}: {
  readonly picture: Picture;
  readonly link: Link;
  readonly aheadMs: number;
}) {
  const { tone, sentence } = verdictOf(picture);
  const upMs = useNow(1000) + aheadMs - picture.sinceWallMs;
  useEffect(() => {
    document.title = `${link === 'lost' ? 'Not heard' : sentence} · ${picture.scope}`;
  }, [sentence, link, picture.scope]);
  return (
    <header class="head">
      <h1>
        Matriarch <span>{picture.scope}</span>
      </h1>
      <p class={`verdict ${tone}`} role="status">
        <span class="lamp" aria-hidden="true" />
        {sentence}
      </p>
      <p class={`link ${link}`}>
        {link === 'lost' ? (
          <b>not heard any more: what is shown is old</b>
        ) : (
          <>
            {picture.source === 'lab' ? 'lab' : `agent ${picture.machines.find(({ own }) => own !== null)?.name ?? ''}`}{' '}
            up {age(upMs)}
            {picture.toldBy !== null && picture.source === 'lab' && `, roles as ${picture.toldBy} sees them`}
          </>
        )}
      </p>
      <Foresight picture={picture} />
    </header>
  );
}

/** Said at every look, so it is no status that is read out. */
function Foresight({ picture }: { readonly picture: Picture }) {
  const foresight = foresightOf(picture);
  if (foresight === null) return null;
  return (
    <details class={`foresight ${foresight.tone === 'good' ? '' : foresight.tone}`}>
      <summary>{foresight.sentence}</summary>
      <Facts facts={picture.outlook?.because ?? []} />
    </details>
  );
}

const page = document.getElementById('page');
if (page !== null) {
  page.replaceChildren();
  render(<App />, page);
}
