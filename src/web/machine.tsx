import { useRef } from 'preact/hooks';
import type { MachinePicture, OwnPicture, Picture } from '../model/live.ts';
import { Act } from './act.tsx';
import { Connector } from './connector.tsx';
import { Facts } from './facts.tsx';
import { useNow } from './hooks.ts';
import { Parts } from './parts.tsx';
import { Services } from './services.tsx';
import { cableHurt, follows, leads, type Tone, takesWrites } from './verdict.ts';
import { WhyNot } from './whyNot.tsx';
import { bytes } from './words.ts';

interface Props {
  readonly machine: MachinePicture;
  readonly picture: Picture;
  readonly aheadMs: number;
}

export function Machine({ machine, picture, aheadMs }: Props) {
  const { name, beside, own, member } = machine;
  const { text, tone } = stateOf(machine);
  const leader = picture.leader === name;
  const dark = beside?.power === 'off';
  return (
    <li class={`machine ${dark ? 'dark' : ''}`} tabIndex={-1}>
      {beside !== null && <Connector node={name} kind="cable" beside={beside} />}
      <article class={`card ${leader ? 'leads' : ''}`} aria-label={name}>
        <header>
          <h3>{name}</h3>
          {picture.leader !== null && follows(machine) && (
            <Act
              deed={{ deed: 'switchover', node: name }}
              label={`Make ${name} the leader: switch over`}
              sure={beside === null ? `Switch over to ${name}?` : null}
            >
              Make leader
            </Act>
          )}
          {beside === null && own !== null && <OwnActs name={name} leads={leader} />}
          <span class={`role ${leader ? 'leader' : ''} ${!leader && takesWrites(machine) ? 'bad' : ''}`}>
            {roleOf(machine, leader)}
          </span>
        </header>
        <p class={`state ${tone}`}>
          <span class="lamp" aria-hidden="true" />
          {text}
        </p>
        <dl class="facts">
          {own?.lease && (leader || takesWrites(machine)) ? (
            <LeaseFact lease={own.lease} aheadMs={aheadMs} />
          ) : (
            <Fact name="lag" value={member?.lagBytes == null ? '–' : bytes(member.lagBytes)} />
          )}
          <Fact name="timeline" value={String(own?.timeline ?? member?.timeline ?? '–')} />
          <Fact name="log" value={own?.lsn ?? '–'} />
          <Fact name="guard" value={own === null ? '–' : guardOf(own)} tone={guardTone(machine)} />
        </dl>
        {beside !== null && <Services node={name} beside={beside} />}
        {beside !== null && <Parts node={name} beside={beside} />}
        {own !== null && <Says own={own} />}
        {!leader && <WhyNot name={name} />}
      </article>
      {beside !== null && <Connector node={name} kind="plug" beside={beside} />}
    </li>
  );
}

/** What an agent does on its own node alone. */
function OwnActs({ name, leads: isLeader }: { readonly name: string; readonly leads: boolean }) {
  return (
    <>
      <Act deed={{ deed: 'restart' }} label={`restart PostgreSQL of ${name}`} sure={`Restart PostgreSQL of ${name}?`}>
        Restart
      </Act>
      {!isLeader && (
        <Act
          deed={{ deed: 'reinit' }}
          label={`reinitialize ${name}`}
          sure={`Throw the data of ${name} away, and copy those of the leader?`}
        >
          Reinit
        </Act>
      )}
    </>
  );
}

function Fact({ name, value, tone = '' }: { readonly name: string; readonly value: string; readonly tone?: string }) {
  return (
    <div class={tone}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What its agent decided last, and because of what. */
function Says({ own: { rule, reason, because } }: { readonly own: OwnPicture }) {
  const line = (
    <>
      <code>{rule}</code> {reason}
    </>
  );
  if (because.length === 0) return <p class="says">{line}</p>;
  return (
    <details class="says">
      <summary>{line}</summary>
      <Facts facts={because} />
    </details>
  );
}

/** Longer than a picture takes on a busy machine. */
const renewedForMs = 500;

/** Runs down between renewals: how long this machine may go on writing if it hears nothing more. */
function LeaseFact({ lease, aheadMs }: { readonly lease: NonNullable<OwnPicture['lease']>; readonly aheadMs: number }) {
  const nowMs = useNow(200);
  const leftMs = Math.max(0, lease.endsWallMs - (nowMs + aheadMs));
  const part = Math.min(1, leftMs / lease.wholeMs);
  // It runs down, and never up: a renewal is there at once. Told for a while, since what comes next may be drawn in its stead.
  const before = useRef({ part, roseMs: Number.NEGATIVE_INFINITY });
  if (part > before.current.part) before.current.roseMs = nowMs;
  before.current.part = part;
  const renewed = nowMs - before.current.roseMs < renewedForMs;
  return (
    <div class={`lease ${part < 0.25 ? 'bad' : part < 0.5 ? 'warn' : ''}`}>
      <dt>lease</dt>
      <dd>
        <span class="run" aria-hidden="true">
          <span class={renewed ? 'renewed' : ''} style={{ transform: `scaleX(${part.toFixed(3)})` }} />
        </span>
        {leftMs === 0 ? 'over' : `${(leftMs / 1000).toFixed(1)} s`}
      </dd>
    </div>
  );
}

function roleOf({ member, own }: MachinePicture, leader: boolean): string {
  if (leader) return member?.role === 'standby_leader' ? 'Standby leader' : 'Leader';
  if (own?.postgres === 'running primary') return 'Still primary';
  if (member === null) return 'not in etcd';
  return member.role === 'leader' ? 'Led last' : member.role.replaceAll('_', ' ');
}

function stateOf(machine: MachinePicture): { readonly text: string; readonly tone: Tone | 'quiet' } {
  const { beside, member, own } = machine;
  if (beside?.power === 'off') return { text: 'no power', tone: 'bad' };
  const agent = beside?.services.find(({ name }) => name === 'agent')?.state;
  if (agent === 'frozen') return { text: 'agent frozen: what it said last', tone: 'warn' };
  if (own === null) {
    if (agent === 'stopped') return { text: 'no agent', tone: 'bad' };
    return member === null
      ? { text: 'not heard', tone: 'quiet' }
      : { text: `${member.state}, says etcd`, tone: 'quiet' };
  }
  if (own.job !== null) return { text: `at work: ${own.job}`, tone: 'warn' };
  const hurt = beside === null ? null : cableHurt(beside);
  const lost = beside?.cable === 'out' ? 'cut off' : hurt;
  const cut = lost !== null ? `, ${lost}` : own.etcdSilentBecause === null ? '' : ', without etcd';
  if (own.postgres === 'running primary')
    return {
      text: `primary${leads(machine) ? '' : ', not in etcd'}${cut}`,
      tone: cut === '' && leads(machine) ? 'good' : 'bad',
    };
  if (own.postgres === 'running standby') {
    const streaming = member?.state === 'streaming';
    return {
      text: `${cut === '' && streaming ? 'streaming' : 'standby'}${cut}`,
      tone: cut === '' ? (streaming ? 'good' : 'warn') : 'bad',
    };
  }
  return { text: `PostgreSQL ${own.postgres}${cut}`, tone: 'bad' };
}

const guardOf = ({ guard, freezeGuard }: OwnPicture): string =>
  guard === 'armed' && freezeGuard !== null ? `armed, ${freezeGuard}` : guard;

/** Whoever may write must have its guard armed. */
const guardTone = ({ own }: MachinePicture): string =>
  own?.postgres === 'running primary' && own.guard !== 'armed' ? 'bad' : '';
