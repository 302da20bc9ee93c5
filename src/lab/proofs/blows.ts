import type { Duration, ServiceWord, Step, Target } from '../../model/scenario.ts';

/** What strikes a machine, and how it is mended: services as a service manager does it, power and cable by hand. */
export interface Blow {
  readonly name: string;
  /** `agent of the primary killed` */
  readonly text: (machine: string) => string;
  /** Null: the whole machine. */
  readonly service: ServiceWord | null;
  readonly strike: (of: Target) => Step;
  /** Patient: nobody mends it before its lease has ended. */
  readonly mend: (of: Target, patient: boolean) => readonly Step[];
}

export const seconds = (count: number): Duration => ({ ttls: 0, ms: count * 1_000 });
const leaseAnd = (count: number): Duration => ({ ttls: 1, ms: count * 1_000 });
const wait = (duration: Duration): Step => ({ kind: 'wait', duration });
const patience = (patient: boolean, otherwiseS: number): Step => wait(patient ? leaseAnd(2) : seconds(otherwiseS));

const struck = ['postmaster', 'agent', 'guardian', 'sentinel', 'etcd'] as const;
/** Nobody but a service manager starts these again. */
const managed: readonly ServiceWord[] = ['agent', 'etcd'];

function killed(service: ServiceWord): Blow {
  return {
    name: `${service}-kill`,
    text: (machine) => `${service} of ${machine} killed`,
    service,
    strike: (of) => ({ kind: 'kill', what: { services: [service], of: [of] } }),
    mend: (of, patient) =>
      managed.includes(service)
        ? [patience(patient, 1), { kind: 'start', what: { services: [service], of: [of] } }]
        : [wait(seconds(3))],
  };
}

function terminated(service: ServiceWord): Blow {
  return {
    name: `${service}-term`,
    text: (machine) => `${service} of ${machine} terminated`,
    service,
    strike: (of) => ({ kind: 'terminate', what: { services: [service], of: [of] } }),
    // An agent stops PostgreSQL before it ends.
    mend: (of, patient) =>
      managed.includes(service)
        ? [patience(patient || service === 'agent', 1), { kind: 'start', what: { services: [service], of: [of] } }]
        : [wait(seconds(3))],
  };
}

function frozen(service: ServiceWord): Blow {
  return {
    name: `${service}-stop`,
    text: (machine) => `${service} of ${machine} frozen`,
    service,
    strike: (of) => ({ kind: 'freeze', what: { services: [service], of: [of] } }),
    mend: (of) => [
      wait(leaseAnd(3)),
      { kind: 'thaw', what: { services: [service], of: [of] } },
      // Where a guard has ended it meanwhile.
      ...(managed.includes(service) ? [{ kind: 'start', what: { services: [service], of: [of] } } as const] : []),
    ],
  };
}

const power: Blow = {
  name: 'power',
  text: (machine) => `power cut of ${machine}`,
  service: null,
  strike: (of) => ({ kind: 'powerOff', of: [of] }),
  mend: (of, patient) => [patience(patient, 2), { kind: 'powerOn', of: [of] }],
};
const cable: Blow = {
  name: 'cable',
  text: (machine) => `cable out of ${machine}`,
  service: null,
  strike: (of) => ({ kind: 'cut', of: [of] }),
  mend: (of) => [wait(leaseAnd(2)), { kind: 'heal', of: [of] }],
};

export const blows: readonly Blow[] = [
  ...struck.flatMap((service) => [killed(service), frozen(service), terminated(service)]),
  power,
  cable,
];
