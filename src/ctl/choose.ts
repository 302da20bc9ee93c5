import type { Cluster, Member } from '../model/cluster.ts';
import type { Ctl } from './doors.ts';
import { factsOf } from './facts.ts';
import { membersText } from './members.ts';
import { refuse } from './problem.ts';
import { confirm, prompt } from './terminal.ts';

export const roleNames = ['leader', 'primary', 'standby-leader', 'replica', 'standby', 'any'] as const;
export type RoleName = (typeof roleNames)[number];

export interface Choice {
  readonly names: readonly string[];
  readonly role: RoleName;
  readonly force: boolean;
  readonly action: 'restart' | 'reload' | 'reinitialize' | 'flush';
}

/** Shows the cluster, and finds the members that a command is for. */
export async function chooseMembers(ctl: Ctl, cluster: Cluster, choice: Choice): Promise<readonly Member[]> {
  const { action, force, role } = choice;
  const candidates = withRole(cluster, role);
  if (choice.names.length === 0 && candidates.length === 0)
    return refuse(`${ctl.scope} cluster doesn't have any members`);
  showMembers(ctl, cluster);
  if (choice.names.length > 0) {
    const chosen = candidates.filter(({ name }) => choice.names.includes(name));
    const shownRole = role === 'any' ? "'any'" : role;
    return chosen.length > 0 ? chosen : refuse(`No ${shownRole} among provided members`);
  }
  if (action !== 'reinitialize') return candidates;
  if (force) return [];
  const names = candidates.map(({ name }) => name).join(', ');
  const answer = await prompt(ctl.doors.terminal, `Which member do you want to ${action} [${names}]?`, '');
  const chosen = candidates.filter(({ name }) => name === answer);
  return chosen.length > 0 ? chosen : refuse(`${answer} is not a member of cluster`);
}

export async function confirmMembers(
  ctl: Ctl,
  members: readonly Member[],
  action: string,
  when: string | null,
): Promise<void> {
  const names = members.map(({ name }) => name).join(', ');
  const text =
    when === null
      ? `Are you sure you want to ${action} members ${names}?`
      : `Are you sure you want to schedule ${action} of members ${names} at ${when}?`;
  if (!(await confirm(ctl.doors.terminal, text)))
    refuse(when === null ? `Aborted ${action}` : `Aborted scheduled ${action}`);
}

export const showMembers = (ctl: Ctl, cluster: Cluster): void =>
  ctl.doors.terminal.out(membersText(cluster, ctl.scope, { format: 'pretty' }));

export function withRole(cluster: Cluster, role: RoleName): readonly Member[] {
  const { leader } = factsOf(cluster);
  const members = [...cluster.members].sort((a, b) => (a.name < b.name ? -1 : 1));
  switch (role) {
    case 'any':
      return members;
    case 'leader':
      return members.filter(({ name }) => name === leader);
    case 'primary':
      return members.filter(({ name, role }) => name === leader && role !== 'standby_leader');
    case 'standby-leader':
      return members.filter(({ name, role }) => name === leader && role !== 'primary');
    case 'replica':
    case 'standby':
      return members.filter(({ name }) => name !== leader);
    default:
      return role satisfies never;
  }
}

/** All members that can be asked, the leader first. */
export const leaderFirst = (cluster: Cluster): readonly Member[] => {
  const leader = cluster.leader?.name;
  const reachable = cluster.members.filter(({ apiUrl }) => apiUrl !== null);
  return [...reachable.filter(({ name }) => name === leader), ...reachable.filter(({ name }) => name !== leader)];
};
