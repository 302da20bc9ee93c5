import type { Cluster } from '../model/cluster.ts';
import { leaderFirst } from './choose.ts';
import { type Ctl, readCluster } from './doors.ts';
import { factsOf } from './facts.ts';
import { refuse } from './problem.ts';
import { askMember } from './request.ts';

/** `pause` and `resume`. Returns before the nodes know, unless told to wait. */
export async function setPause(ctl: Ctl, paused: boolean, { wait }: { readonly wait: boolean }): Promise<void> {
  const cluster = await readCluster(ctl);
  if (factsOf(cluster).paused === paused) refuse(`Cluster is ${paused ? 'already' : 'not'} paused`);
  for (const member of leaderFirst(cluster)) {
    const reply = await askMember(ctl, member, 'PATCH', '/config', { pause: paused ? true : null }, 30_000);
    if (reply.kind === 'silent') {
      ctl.doors.terminal.err(`Member ${member.name} is not accessible: ${reply.why}\n`);
      continue;
    }
    if (reply.status !== 200)
      return ctl.say(
        `Failed: ${paused ? 'pause' : 'resume'} cluster management status code=${reply.status}, (${reply.body.trimEnd()})`,
      );
    return wait ? waitUntilKnown(ctl, cluster, paused) : ctl.say(success(paused));
  }
  refuse('Can not find accessible cluster member');
}

const success = (paused: boolean): string => `Success: cluster management is ${paused ? 'paused' : 'resumed'}`;

/** Each member says in its own key that it knows. One whose key did not change at all is taken for dead, not for slow. */
async function waitUntilKnown(ctl: Ctl, before: Cluster, paused: boolean): Promise<void> {
  ctl.say(`'${paused ? 'pause' : 'resume'}' request sent, waiting until it is recognized by all nodes`);
  const { loopWaitS } = factsOf(before);
  const old = new Map(before.members.filter(({ apiUrl }) => apiUrl !== null).map((member) => [member.name, member]));
  let unaware: readonly string[] = [];
  for (let second = 0; second <= loopWaitS; second++) {
    const { members } = await readCluster(ctl);
    const remaining = members.filter((member) => old.has(member.name) && member.pause !== paused);
    if (remaining.length === 0) return ctl.say(success(paused));
    unaware = remaining
      .filter((member) => old.get(member.name)?.modRevision !== member.modRevision)
      .map(({ name }) => name);
    await ctl.doors.clock.sleep(1000);
  }
  if (unaware.length === 0) return ctl.say(success(paused));
  ctl.say(
    `${unaware.join(', ')} members didn't recognized ${paused ? 'pause' : 'resume'} state after ${loopWaitS} seconds`,
  );
}
