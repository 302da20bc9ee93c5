import { useEffect, useState } from 'preact/hooks';
import type { ActionResult } from '../model/decision.ts';
import type { ToldDecision, ToldMoment } from '../model/moment.ts';
import { Facts } from './facts.tsx';
import { look } from './look.ts';
import { clock, duration } from './words.ts';

interface Props {
  /** ISO 8601. */
  readonly at: string;
  /** Null: all that have a journal. */
  readonly node: string | null;
  /** A decision that is shown already: only what is not yet known of it is told. */
  readonly shown?: { readonly wall: string; readonly rule: string } | null;
}

/** What was decided at a moment, because of what, which rules declined and why, and what came next. */
export function Moment({ at, node, shown = null }: Props) {
  const [told, setTold] = useState<readonly ToldMoment[] | string | null>(null);
  useEffect(() => {
    let wanted = true;
    setTold(null);
    void look<readonly ToldMoment[]>('why', { at, ...(node === null ? {} : { node }) }).then((answer) => {
      if (wanted) setTold(answer);
    });
    return () => {
      wanted = false;
    };
  }, [at, node]);
  if (told === null) return <p class="quiet">asking …</p>;
  if (typeof told === 'string') return <p>{told}</p>;
  return (
    <>
      {told.map((one) => (
        <Node key={one.node} told={one} named={node === null} shown={shown} />
      ))}
    </>
  );
}

interface NodeProps {
  readonly told: ToldMoment;
  readonly named: boolean;
  readonly shown: Props['shown'];
}

function Node({ told: { node, decided, ageMs, silent, next, beginsWall }, named, shown }: NodeProps) {
  const title = named ? <h3>{node}</h3> : null;
  if (decided === null)
    return (
      <>
        {title}
        <p class="quiet">
          {beginsWall === null
            ? `${node} keeps no journal`
            : `Nothing was decided then: the journal begins at ${moment(beginsWall)}`}
        </p>
      </>
    );
  const known = shown?.wall === decided.wall && shown.rule === decided.rule;
  return (
    <>
      {title}
      <dl>
        {!known && <Decided decided={decided} ageMs={ageMs} silent={silent} />}
        {decided.passed.length > 0 && <Passed decided={decided} />}
        {next !== null && (
          <Row name="next">
            {moment(next.wall)}&ensp;<code>{next.rule}</code>&ensp;{next.reason}
          </Row>
        )}
      </dl>
    </>
  );
}

function Decided({
  decided,
  ageMs,
  silent,
}: {
  readonly decided: ToldDecision;
  readonly ageMs: number;
  readonly silent: boolean;
}) {
  const { rule, reason, because, did, seen } = decided;
  return (
    <>
      <Row name="in force">
        <code>{rule}</code>&ensp;{reason}&ensp;<span class="quiet">for {duration(ageMs)}</span>
      </Row>
      {silent && <Row name="">An agent at work decides more often than that: it was not running, or stood still.</Row>}
      {because.length > 0 && (
        <Row name="because">
          <Facts facts={because} />
        </Row>
      )}
      {did.length > 0 && (
        <Row name="did">
          <Did did={did} />
        </Row>
      )}
      <Row name="saw">
        <Facts facts={Object.entries(seen)} />
      </Row>
    </>
  );
}

/** Asked before, in this order, and not the case: each with what it would have said. */
function Passed({ decided: { passed } }: { readonly decided: ToldDecision }) {
  return (
    <Row name="passed over">
      <details class="passed">
        <summary>
          {passed.length} {passed.length === 1 ? 'rule' : 'rules'} asked before, and not the case
        </summary>
        <ol>
          {passed.map(({ rule, reason }) => (
            <li key={rule}>
              <code>{rule}</code> {reason}
            </li>
          ))}
        </ol>
      </details>
    </Row>
  );
}

export function Did({ did }: { readonly did: readonly ActionResult[] }) {
  return (
    <>
      {did.map(({ action, outcome, why, tookMs }, nth) => (
        <span key={nth} class={`fact ${outcome === 'done' ? '' : 'bad'}`}>
          {action} {outcome === 'done' ? `${Math.round(tookMs)} ms` : outcome}
          {why === null ? '' : `: ${why}`}
        </span>
      ))}
    </>
  );
}

export function Row({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const moment = (wall: string): string => clock(Date.parse(wall));
