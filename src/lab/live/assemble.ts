import type {
  Beside,
  ClientPicture,
  MachinePicture,
  MemberPicture,
  Picture,
  ProxyPicture,
  ServicePicture,
} from '../../model/live.ts';
import type { LabStatus, MachineStatus, MemberStatus } from '../status.ts';

/** All that is known at one instant. */
export interface Known {
  readonly scope: string;
  readonly sinceWallMs: number;
  readonly machines: readonly MachineStatus[];
  /** False: all machines share one network, there are none to pull. */
  readonly cables: boolean;
  /** What is heard of each agent, by machine. */
  readonly heard: ReadonlyMap<string, Picture>;
  /** By machine. */
  readonly etcd: ReadonlyMap<string, string | null>;
  readonly proxies: readonly ProxyPicture[] | null;
  /** Asked where agents of another kind are not heard. */
  readonly asked: LabStatus | null;
}

const clientName = 'client';

/** One picture out of many: each agent is believed about itself, the best placed one about the roles. */
export function assemble(known: Known): Picture {
  const { heard, machines, asked } = known;
  const told = best(known);
  const leader = told === null ? (asked?.leader ?? null) : told.leader;
  const client = machines.find(({ name }) => name === clientName);
  return {
    source: 'lab',
    scope: known.scope,
    sinceWallMs: known.sinceWallMs,
    toldBy: told?.toldBy ?? asked?.toldBy ?? null,
    leader,
    paused: told?.paused ?? false,
    outlook: outlookFor(leader, known, told),
    machines: machines
      .filter(({ name }) => name !== clientName)
      .map((machine): MachinePicture => {
        const { name, address } = machine;
        const own = heard.get(name)?.machines.find((one) => one.name === name)?.own ?? null;
        const member = told?.machines.find((one) => one.name === name)?.member ?? null;
        const status = asked?.members.find((one) => one.name === name);
        return {
          name,
          address,
          own,
          member: told === null && status !== undefined ? memberOf(status) : member,
          beside: besideOf(machine, known),
        };
      }),
    client: client === undefined ? null : clientOf(client, known),
  };
}

/** The leader's own word first: it sees how far the others are. None of a leader that was. */
function outlookFor(leader: string | null, { heard }: Known, told: Picture | null): Picture['outlook'] {
  const outlook = heard.get(leader ?? '')?.outlook ?? told?.outlook ?? null;
  return outlook?.leader === leader ? outlook : null;
}

/** Whose etcd answers, before who only remembers; who is on the network, before who is cut off. */
function best({ heard, machines }: Known): Picture | null {
  const cabled = new Set(machines.flatMap(({ name, cable }) => (cable === 'in' ? [name] : [])));
  const rank = ([name, picture]: readonly [string, Picture]): number =>
    (picture.toldBy === null ? 0 : 4) + (cabled.has(name) ? 2 : 0) + (picture.leader === null ? 0 : 1);
  return [...heard].toSorted((a, b) => rank(b) - rank(a))[0]?.[1] ?? null;
}

function besideOf(machine: MachineStatus, { etcd, cables }: Known): Beside {
  const services = Object.entries(machine.processes).map(
    ([name, state]): ServicePicture => ({
      name,
      state,
      note: name === 'etcd' && state === 'running' ? (etcd.get(machine.name) ?? null) : null,
    }),
  );
  const { power, cable, saturated, parts } = machine;
  return { power, cable: cables ? cable : null, saturated, parts, services };
}

const clientOf = (machine: MachineStatus, known: Known): ClientPicture => ({
  address: machine.address,
  beside: besideOf(machine, known),
  proxies: machine.power === 'on' ? known.proxies : null,
});

const memberOf = ({ role, state, timeline, lag }: MemberStatus): MemberPicture => ({
  role,
  state,
  timeline: timeline ?? null,
  lagBytes: typeof lag === 'number' ? lag : null,
});
