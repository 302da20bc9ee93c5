import type { RoleWord, Step, Target } from '../../model/scenario.ts';
import { type Blow, seconds } from './blows.ts';

export const struckRoles = ['primary', 'replica', 'etcd leader'] as const satisfies readonly RoleWord[];
export type StruckRole = (typeof struckRoles)[number];

/** What goes on as a blow falls. */
export interface Moment {
  readonly name: string;
  /** `as a copy is made` */
  readonly text: string;
  /** Up to the blow. `nth`: so that not every case finds the cluster at the same instant. */
  readonly before: (of: StruckRole, blow: Blow, nth: number) => readonly Step[];
  /** When the blow is mended. */
  readonly after?: (of: StruckRole) => readonly Step[];
  /** The blow is not mended before the lease of whom it strikes has ended. */
  readonly patient?: boolean;
  /** A blow that would be no other than the moment itself. */
  readonly without?: (of: StruckRole, blow: Blow) => boolean;
}

const role = (word: RoleWord): Target => ({ kind: 'role', role: word });
const primary = role('primary');
const pause = (ms: number): Step => ({ kind: 'wait', duration: { ttls: 0, ms } });

/** From the order to the first write on the other member it takes about a second, half of it the start of the command. */
const switchoverMs = (nth: number): number => 300 + 100 * (nth % 9);

/** Processes of a machine without power cannot be struck: its cable is out instead, where it is the struck one or may be. */
const mayBePrimary = (of: StruckRole): boolean => of !== 'replica';

/** The old primary is struck while its lease runs out: when the key is free its server has been stopped. */
function takeover(of: StruckRole): readonly Step[] {
  if (of === 'primary') return [{ kind: 'cut', of: [primary] }, pause(1_000)];
  const free: Step = { kind: 'waitFor', what: 'no leader' };
  return [mayBePrimary(of) ? { kind: 'cut', of: [primary] } : { kind: 'powerOff', of: [primary] }, free];
}

export const moments: readonly Moment[] = [
  { name: 'quiet', text: 'at rest', before: () => [], patient: true },
  {
    name: 'load',
    text: 'under load',
    before: () => [{ kind: 'pgbench', of: primary, duration: seconds(20) }, pause(2_000)],
    patient: true,
  },
  {
    name: 'switchover',
    text: 'as a switchover is asked for',
    before: (_of, _blow, nth) => [
      { kind: 'switchover', to: role('replica'), after: null, asked: false, meanwhile: true },
      pause(switchoverMs(nth)),
    ],
  },
  {
    name: 'takeover',
    text: 'in a takeover',
    before: takeover,
    after: (of) => [
      { kind: 'waitFor', what: 'another primary' },
      { kind: 'waitFor', what: 'steady writes' },
      mayBePrimary(of) ? { kind: 'heal', of: [primary] } : { kind: 'powerOn', of: [primary] },
    ],
    without: (of, { name }) => of === 'primary' && name === 'cable',
  },
  {
    name: 'copy',
    text: 'as a copy is made',
    before: (_of, _blow, nth) => [
      { kind: 'load', mb: 60 },
      { kind: 'reinit', of: [role('replica')] },
      { kind: 'waitFor', what: 'a copy' },
      pause(50 * (nth % 8)),
    ],
    // Where a copy is made neither is there.
    without: (of, { service }) => of === 'replica' && (service === 'postmaster' || service === 'sentinel'),
  },
  {
    name: 'return',
    text: 'as the machine comes back',
    before: (of, { service }) => [
      { kind: 'powerOff', of: [role(of)] },
      of === 'primary' ? { kind: 'waitFor', what: 'another primary' } : pause(3_000),
      { kind: 'powerOn', of: [role(of)] },
      service === null ? pause(1_000) : { kind: 'waitForServices', what: { services: [service], of: [role(of)] } },
    ],
  },
];
