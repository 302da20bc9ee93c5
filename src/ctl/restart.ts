import type { Member } from '../model/cluster.ts';
import { chooseMembers, confirmMembers, type RoleName } from './choose.ts';
import { type Ctl, readCluster } from './doors.ts';
import { factsOf } from './facts.ts';
import { refuse } from './problem.ts';
import { askMember, failedLine } from './request.ts';
import { prompt } from './terminal.ts';
import type { Json } from './text.ts';
import { inAnHour, readAppointment } from './time.ts';

export interface RestartOptions {
  readonly names: readonly string[];
  readonly role: RoleName;
  readonly any: boolean;
  readonly scheduled: string | null;
  readonly pgVersion: string | null;
  readonly pending: boolean;
  readonly timeout: string | null;
  readonly force: boolean;
}

/** Asks in the order that scripts expect: when, whether, for which version. */
export async function restart(ctl: Ctl, options: RestartOptions): Promise<void> {
  const cluster = await readCluster(ctl);
  const { terminal } = ctl.doors;
  const { force } = options;
  const chosen = await chooseMembers(ctl, cluster, { ...options, action: 'restart' });
  const said =
    options.scheduled ??
    (force
      ? 'now'
      : await prompt(
          terminal,
          `When should the restart take place (e.g. ${inAnHour(ctl.doors.clock.wall())}) `,
          'now',
        ));
  const when = readAppointment(said);
  const flagged = options.pending && when === null ? chosen.filter((member) => member.pendingRestart) : chosen;
  const members = options.any ? oneOf(ctl, flagged) : flagged;
  if (!force) await confirmMembers(ctl, members, 'restart', when === null ? null : when.iso.replace('T', ' '));
  const version =
    options.pgVersion ??
    (force ? '' : await prompt(terminal, 'Restart if the PostgreSQL version is less than provided (e.g. 9.5.2) ', ''));
  if (version !== '' && !validVersion(version))
    refuse(`Invalid PostgreSQL version format: X.Y or X.Y.Z is accepted: ${version}`);
  if (when !== null && factsOf(cluster).paused) refuse("Can't schedule restart in the paused state");
  const body: Json = {
    ...(when === null ? {} : { schedule: when.iso }),
    ...(options.pending ? { restart_pending: true } : {}),
    ...(version === '' ? {} : { postgres_version: version }),
    ...(options.timeout === null
      ? {}
      : { timeout: /^\d+$/.test(options.timeout) ? Number(options.timeout) : options.timeout }),
  };
  for (const member of members) {
    if (force && when !== null && member.scheduledRestart !== null) await askMember(ctl, member, 'DELETE', '/restart');
    ctl.say(await restartMember(ctl, member, body));
  }
}

async function restartMember(ctl: Ctl, member: Member, body: Json): Promise<string> {
  const reply = await askMember(ctl, member, 'POST', '/restart', body);
  const status = reply.kind === 'answered' ? reply.status : null;
  if (status === 200) return `Success: restart on member ${member.name}`;
  if (status === 202) return `Success: restart scheduled on member ${member.name}`;
  if (status === 409) return `Failed: another restart is already scheduled on member ${member.name}`;
  return failedLine('restart', member.name, reply);
}

function oneOf(ctl: Ctl, members: readonly Member[]): readonly Member[] {
  const member = members[members.length === 0 ? 0 : ctl.doors.chance.below(members.length)];
  return member === undefined ? [] : [member];
}

/** X.Y from 10 on, X.Y.Z before. */
function validVersion(text: string): boolean {
  const parts = text.split('.');
  if (!parts.every((part) => /^\d+$/.test(part))) return false;
  return parts.length === 3 || (parts.length === 2 && Number(parts[0]) >= 10);
}
