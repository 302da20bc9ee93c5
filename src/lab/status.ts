import type { PartPicture } from '../model/part.ts';
import { askAgent, parsed } from './ask.ts';
import { isSaturated } from './faults/cpu.ts';
import { partsOf } from './faults/parts.ts';
import type { Machine } from './ground.ts';
import { itself } from './itself.ts';
import type { LabPlan } from './plan.ts';
import { type Service, serviceStates } from './services.ts';
import { agentShellCommand } from './texts.ts';
import type { TrafficView } from './traffic.ts';

/** A member as Patroni's GET /cluster shows it; more fields may follow. */
export interface MemberStatus {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly host?: string;
  readonly port?: number;
  readonly timeline?: number;
  readonly lag?: number | 'unknown';
  readonly [more: string]: unknown;
}

export interface MachineStatus {
  readonly name: string;
  readonly address: string;
  readonly power: 'on' | 'off';
  readonly cable: 'in' | 'out';
  /** Its threads take whatever the cores give. */
  readonly saturated: boolean;
  /** What may be hurt while everything seems to run. */
  readonly parts: readonly PartPicture[];
  readonly processes: Readonly<Partial<Record<Service, 'running' | 'frozen' | 'stopped'>>>;
}

export interface LabStatus {
  /**
   * By the agent that `toldBy` names: cabled machines are believed before cut ones. Null: no agent has an answer of etcd, and each
   * that answers is there as it sees itself.
   */
  readonly members: readonly MemberStatus[];
  readonly leader: string | null;
  readonly toldBy: string | null;
  readonly machines: readonly MachineStatus[];
  readonly traffic: TrafficView;
}

/** Answers within two seconds, however many machines are dead, and whatever etcd does. */
export async function lookAtLab(
  nodes: readonly Machine[],
  client: Machine,
  sight: (machine: Machine) => Sight,
  traffic: TrafficView,
): Promise<LabStatus> {
  const answers = await Promise.all(
    nodes.map(async (machine) => ({
      machine,
      members: readMembers(parsed(await askAgent(machine, '/cluster', 1200))),
    })),
  );
  const told = answers
    .flatMap(({ machine, members }) => (members === null ? [] : [{ machine, members }]))
    .toSorted((a, b) => rank(b.machine, b.members) - rank(a.machine, a.members))[0];
  const members =
    told?.members.map(inPatronisWords) ?? (await Promise.all(nodes.map((machine) => itself(machine, 600)))).flat();
  return {
    members,
    leader: members.find(({ role }) => role === 'leader' || role === 'standby_leader')?.name ?? null,
    toldBy: told?.machine.plan.name ?? null,
    machines: [...nodes, client].map((machine) => lookAtMachine(machine, sight(machine))),
    traffic,
  };
}

const rank = (machine: Machine, members: readonly MemberStatus[]): number =>
  (machine.isCabled() ? 10 : 0) + (members.some(({ role }) => role.endsWith('leader')) ? 1 : 0);

/** What a look at a machine must know beforehand. */
export interface Sight {
  readonly agentShell: string;
  /** Of the agent, whose clock can be set. */
  readonly fakeClock: boolean;
}

export const sightOf = (plan: LabPlan, machine: Machine): Sight => ({
  agentShell: agentShellCommand(plan, machine.plan),
  fakeClock: plan.fakeClocks,
});

export function lookAtMachine(machine: Machine, sight: Sight): MachineStatus {
  const { name, address, kind, etcd } = machine.plan;
  const wanted: readonly Service[] =
    kind === 'client' ? ['haproxy'] : ['postgres', 'agent', 'guardian', ...(etcd ? (['etcd'] as const) : [])];
  const procs = machine.processes();
  return {
    name,
    address,
    power: machine.isOn() ? 'on' : 'off',
    cable: machine.isCabled() ? 'in' : 'out',
    saturated: isSaturated(procs),
    parts: partsOf(machine, procs, sight),
    processes: serviceStates(wanted, procs, sight.agentShell),
  };
}

/** Every other role that follows a leader is a replica to whoever reads this. */
function inPatronisWords(member: MemberStatus): MemberStatus {
  return ['leader', 'standby_leader'].includes(member.role) ? member : { ...member, role: 'replica' };
}

function readMembers(answer: unknown): readonly MemberStatus[] | null {
  if (typeof answer !== 'object' || answer === null || !('members' in answer) || !Array.isArray(answer.members))
    return null;
  return answer.members.filter(isMember);
}

function isMember(value: unknown): value is MemberStatus {
  return typeof value === 'object' && value !== null && 'name' in value && 'role' in value && 'state' in value;
}

/** One leader, all others stream from it. Patroni before 3.0.3 calls a streaming replica running. */
export function isHealthy(status: LabStatus, nodes: number): boolean {
  const { members } = status;
  const leader = members.find(({ role }) => role.endsWith('leader'));
  if (members.length !== nodes || leader === undefined || leader.state !== 'running') return false;
  return members.every(
    ({ role, state, timeline }) =>
      role.endsWith('leader') || (['streaming', 'running'].includes(state) && timeline === leader.timeline),
  );
}

/** Who it is that tells of the members. */
export const witnessOf = ({ members, toldBy }: Pick<LabStatus, 'members' | 'toldBy'>): string => {
  if (toldBy !== null) return `as ${toldBy} sees it`;
  return members.length === 0 ? 'no agent answers' : 'etcd answers no agent: each as it sees itself';
};

/** One line, for waits that fail and for screens without a terminal. */
export function brief({ members, machines, toldBy }: Pick<LabStatus, 'members' | 'machines' | 'toldBy'>): string {
  const off = machines.filter(({ power, cable }) => power === 'off' || cable === 'out');
  const shown = members.map(({ name, role, state, timeline, lag }) => {
    const rest = role.endsWith('leader') ? '' : ` lag ${lag ?? '?'}`;
    return `${name} ${role} ${state} timeline ${timeline ?? '?'}${rest}`;
  });
  const marks = off.map(({ name, power }) => `${name} ${power === 'off' ? 'without power' : 'cut off'}`);
  const unsure = toldBy === null ? [witnessOf({ members, toldBy })] : [];
  return [shown.join(', '), ...unsure, ...marks].filter((part) => part !== '').join('; ');
}
