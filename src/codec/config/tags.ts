import { asNumber, asText } from '../../model/scalars.ts';
import type { Tags } from '../../model/settings.ts';

const truthy = (value: unknown): boolean =>
  value === true || ['on', 'true', 'yes', '1'].includes(asText(value).toLowerCase());
const predefined = new Set(['nofailover', 'noloadbalance', 'clonefrom', 'nosync', 'nostream']);

/** Published are the predefined tags that are set, and all others as given. */
export function readTags(tags: Readonly<Record<string, unknown>>, warn: (what: string) => void): Tags {
  const priority = tags.failover_priority === undefined ? 1 : asNumber(tags.failover_priority);
  if (!Number.isInteger(priority)) warn('failover_priority is no whole number; 1 is used');
  const usable = Number.isInteger(priority) ? priority : 1;
  const explicit = tags.nofailover === undefined ? null : truthy(tags.nofailover);
  if (explicit !== null && tags.failover_priority !== undefined && explicit !== usable <= 0)
    warn('nofailover and failover_priority contradict each other; nofailover counts');
  const published = Object.fromEntries(
    Object.entries(tags).filter(
      ([name, value]) =>
        !predefined.has(name) ||
        truthy(value) ||
        (name === 'nofailover' && tags.failover_priority !== undefined) ||
        (name === 'nosync' && tags.sync_priority !== undefined),
    ),
  );
  return {
    nofailover: explicit ?? usable <= 0,
    failoverPriority: explicit === false && usable <= 0 ? 1 : usable,
    noloadbalance: truthy(tags.noloadbalance),
    clonefrom: truthy(tags.clonefrom),
    nosync: truthy(tags.nosync),
    nostream: truthy(tags.nostream),
    replicatefrom: typeof tags.replicatefrom === 'string' && tags.replicatefrom !== '' ? tags.replicatefrom : null,
    published,
  };
}
