import { type RoleName, withRole } from './choose.ts';
import { type Ctl, readCluster } from './doors.ts';
import { refuse } from './problem.ts';

/** How to connect to a member, as libpq takes it; without a name or role: to the leader. */
export async function dsn(
  ctl: Ctl,
  { role, member }: { readonly role: RoleName | null; readonly member: string | null },
): Promise<void> {
  if (role !== null && member !== null) refuse('--role and --member are mutually exclusive options');
  const cluster = await readCluster(ctl);
  const found =
    member === null
      ? withRole(cluster, role ?? 'leader').find(({ host }) => host !== null)
      : cluster.members.find(({ name, host }) => name === member && host !== null);
  if (found === undefined) return refuse('Can not find a suitable member');
  ctl.say(`host=${found.host} port=${found.port ?? 5432}`);
}
