import { chooseMembers, confirmMembers, type RoleName } from './choose.ts';
import { type Ctl, readCluster } from './doors.ts';
import { factsOf } from './facts.ts';
import { askMember, failedLine } from './request.ts';

export interface ReloadOptions {
  readonly names: readonly string[];
  readonly role: RoleName;
  readonly force: boolean;
}

export async function reload(ctl: Ctl, options: ReloadOptions): Promise<void> {
  const cluster = await readCluster(ctl);
  const members = await chooseMembers(ctl, cluster, { ...options, action: 'reload' });
  if (!options.force) await confirmMembers(ctl, members, 'reload', null);
  for (const member of members) {
    const reply = await askMember(ctl, member, 'POST', '/reload');
    const status = reply.kind === 'answered' ? reply.status : null;
    const { loopWaitS } = factsOf(cluster);
    if (status === 200) ctl.say(`No changes to apply on member ${member.name}`);
    else if (status === 202)
      ctl.say(`Reload request received for member ${member.name} and will be processed within ${loopWaitS} seconds`);
    else ctl.say(failedLine('reload', member.name, reply));
  }
}
