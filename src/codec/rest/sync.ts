import type { Cluster } from '../../model/cluster.ts';

/** Whether the sync key names the member; like PostgreSQL's application names, whatever the case. */
export const isListed = (sync: Cluster['sync'], name: string): boolean =>
  sync?.members.some((member) => member.toLowerCase() === name.toLowerCase()) === true;
