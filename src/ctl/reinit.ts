import { isObject, parseJson } from '../codec/dcs/json.ts';
import type { Member } from '../model/cluster.ts';
import type { HttpReply } from '../model/world.ts';
import { chooseMembers, confirmMembers } from './choose.ts';
import { type Ctl, readCluster } from './doors.ts';
import { askMember, failedLine } from './request.ts';
import { confirm } from './terminal.ts';

export interface ReinitOptions {
  readonly names: readonly string[];
  readonly fromLeader: boolean;
  readonly wait: boolean;
  readonly force: boolean;
}

export async function reinit(ctl: Ctl, options: ReinitOptions): Promise<void> {
  const cluster = await readCluster(ctl);
  const choice = { names: options.names, role: 'replica', force: options.force, action: 'reinitialize' } as const;
  const members = await chooseMembers(ctl, cluster, choice);
  if (!options.force) await confirmMembers(ctl, members, 'reinitialize', null);
  const begun: Member[] = [];
  for (const member of members) {
    const reply = await begin(ctl, member, options);
    const done = reply.kind === 'answered' && reply.status === 200;
    ctl.say(done ? `Success: reinitialize for member ${member.name}` : failedLine('reinitialize', member.name, reply));
    if (done) begun.push(member);
  }
  if (options.wait) await waitFor(ctl, begun);
}

async function begin(ctl: Ctl, member: Member, { force, fromLeader }: ReinitOptions): Promise<HttpReply> {
  const ask = (insist: boolean): Promise<HttpReply> =>
    askMember(ctl, member, 'POST', '/reinitialize', { force: insist, from_leader: fromLeader });
  const reply = await ask(force);
  const busy = reply.kind === 'answered' && reply.body.trimEnd().endsWith('already in progress');
  if (!busy || force || reply.status === 200) return reply;
  ctl.say(failedLine('reinitialize', member.name, reply));
  const insist = await confirm(ctl.doors.terminal, 'Do you want to cancel it and reinitialize anyway?');
  return insist ? ask(true) : reply;
}

async function waitFor(ctl: Ctl, members: readonly Member[]): Promise<void> {
  let waiting = [...members];
  if (waiting.length > 0)
    ctl.say(`Waiting for reinitialize to complete on: ${waiting.map(({ name }) => name).join(', ')}`);
  while (waiting.length > 0) {
    await ctl.doors.clock.sleep(2000);
    const states = await Promise.all(
      waiting.map((member) => askMember(ctl, member, 'GET', '/patroni', undefined, 10_000)),
    );
    const done = waiting.filter((_member, i) => !isCreating(states[i]));
    for (const { name } of done) ctl.say(`Reinitialize is completed on: ${name}`);
    waiting = waiting.filter((member) => !done.includes(member));
  }
}

/** A member that gives no answer is not known to be done. */
function isCreating(reply: HttpReply | undefined): boolean {
  if (reply?.kind !== 'answered') return true;
  const status = parseJson(reply.body);
  return !isObject(status) || status.state === 'creating replica';
}
