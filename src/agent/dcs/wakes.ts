import { readFailover } from '../../codec/dcs/failover.ts';
import { type Keys, kindOfKey } from '../../codec/dcs/keys.ts';
import { readMember } from '../../codec/dcs/members.ts';
import type { Member } from '../../model/cluster.ts';
import type { EtcdEvent } from '../../model/world.ts';

/** Which events of the watch wake the loop, and with what reason. Changes that nobody acts upon wake nobody. */
export function makeWakes(options: { readonly keys: Keys; readonly name: string; wake(reason: string): void }) {
  /** What matters of each member, as last seen. */
  const members = new Map<string, string>();

  function memberChanged(name: string, event: EtcdEvent): boolean {
    const before = members.get(name);
    if (event.type === 'delete') members.delete(name);
    else members.set(name, weightOf(readMember(name, event.value).member));
    if (name === options.name) return event.type === 'delete'; // my own words tell me nothing
    return before !== members.get(name);
  }

  return {
    /** A read shows the members as they are: events are compared with that. */
    seen(all: readonly Member[]): void {
      members.clear();
      for (const member of all) members.set(member.name, weightOf(member));
    },
    event(event: EtcdEvent): void {
      const { kind, member } = kindOfKey(event.key, options.keys.prefix);
      switch (kind) {
        case 'leader':
        case 'config':
        case 'initialize':
        case 'initializing':
        case 'unfenced':
          options.wake(kind);
          return;
        case 'failover':
          // The emptied request is the end of one, not one.
          if (event.type === 'put' && readFailover(event.value) !== null) options.wake('failover');
          return;
        case 'member':
          if (member !== null && memberChanged(member, event)) options.wake('member');
          return;
        default:
          return;
      }
    },
  };
}

/** Everything but the positions, which change all the time. */
const weightOf = (member: Omit<Member, 'modRevision' | 'lease'>): string =>
  JSON.stringify([
    member.state,
    member.role,
    member.timeline,
    member.tags,
    member.connUrl,
    member.apiUrl,
    member.checkpointAfterPromote,
    member.pause,
  ]);
