import { noFailover } from '../codec/dcs/failover.ts';
import { chooseMembers, confirmMembers, leaderFirst, type RoleName } from './choose.ts';
import { type Ctl, readCluster } from './doors.ts';
import { refuse } from './problem.ts';
import { askMember, codeAndText, failedLine } from './request.ts';
import { stamp } from './time.ts';

export interface FlushOptions {
  readonly names: readonly string[];
  readonly role: RoleName;
  readonly force: boolean;
}

/** Takes scheduled restarts back. */
export async function flushRestarts(ctl: Ctl, options: FlushOptions): Promise<void> {
  const members = await chooseMembers(ctl, await readCluster(ctl), { ...options, action: 'flush' });
  if (!options.force) await confirmMembers(ctl, members, 'flush', null);
  for (const member of members) {
    if (member.scheduledRestart === null) {
      ctl.say(`No scheduled restart for member ${member.name}`);
      continue;
    }
    const reply = await askMember(ctl, member, 'DELETE', '/restart');
    const done = reply.kind === 'answered' && (reply.status === 200 || reply.status === 404);
    ctl.say(
      done
        ? `Success: flush scheduled restart for member ${member.name}`
        : failedLine('flush scheduled restart', member.name, reply),
    );
  }
}

/** Takes a scheduled switchover back: any member can do that, and where none answers, etcd is asked. */
export async function flushSwitchover(ctl: Ctl): Promise<void> {
  const cluster = await readCluster(ctl);
  const { failover } = cluster;
  if (failover === null || failover.scheduledAt === null) return ctl.say('No pending scheduled switchover');
  let answered = false;
  for (const member of leaderFirst(cluster)) {
    const reply = await askMember(ctl, member, 'DELETE', '/switchover', undefined, 30_000);
    if (reply.kind === 'silent') continue;
    answered = true;
    const { status, text } = codeAndText(reply);
    if (status === 200 || status === 404) return ctl.say(`${status === 200 ? 'Success' : 'Failed'}: ${text}`);
    ctl.say(`Failed: member=${member.name}, status_code=${status}, (${text.trimEnd()})`);
  }
  if (answered) return;
  ctl.say(`${stamp(ctl.doors.clock.wall())} Could not find any accessible member of cluster ${ctl.scope}`);
  const written = await ctl.door.put('failover', noFailover, failover.modRevision);
  if (written.kind !== 'done')
    refuse('the scheduled switchover could not be deleted in etcd: see whether it is still there');
}
