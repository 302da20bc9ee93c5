import type { Action, Fact } from '../model/decision.ts';
import type { Observation } from '../model/observation.ts';
import { goesOnWithoutKey, mayAskPromises, promisesDue } from './failsafe.ts';
import { iAmLeader, leaderOf } from './judge.ts';
import { leaseLeftMs, renewalDue } from './timing.ts';

export interface LeaseVerdict {
  readonly rule: 'lease.none' | 'lease.lost' | 'lease.doubt' | 'lease.failsafe' | 'lease.renew' | 'lease.hold';
  readonly actions: readonly Action[];
  readonly because: readonly Fact[];
}

/**
 * Asked first, always, and total: neither pause, a running job, a failed read nor anything else hides it. Doubt means no
 * renewal: the deadline then comes nearer, and the guards behind it act without being asked. In failsafe mode the members are
 * asked meanwhile; that etcd says the key is another's, or no more, is no doubt, and never leads there; who goes on by promises
 * already keeps them until it has taken a free key anew.
 */
export function judgeLease(seen: Observation): LeaseVerdict {
  const { held } = seen;
  if (held === null) return { rule: 'lease.none', actions: [], because: [] };
  const left: Fact = ['leaseLeftMs', Math.round(leaseLeftMs(seen))];
  const ask: readonly Action[] = promisesDue(seen) ? [{ kind: 'askPromises' }] : [];
  if (seen.dcs.kind === 'unreachable')
    return {
      rule: held.byMembers === true ? 'lease.failsafe' : 'lease.doubt',
      actions: ask,
      because: [left, ['etcd', seen.dcs.why]],
    };
  if (goesOnWithoutKey(seen)) return { rule: 'lease.failsafe', actions: ask, because: [left, ['leaderKey', null]] };
  if (!iAmLeader(seen)) {
    const key = leaderOf(seen);
    const because: Fact[] = [
      left,
      ['leaderKey', key?.name ?? null],
      ['myTerm', String(held.term)],
      ['keyTerm', key === null ? null : String(key.term)],
    ];
    return { rule: 'lease.lost', actions: [{ kind: 'dropLease' }], because };
  }
  if (renewalDue(held, seen)) {
    const renewal: Action = { kind: 'renewLease', orAskPromises: mayAskPromises(seen) };
    return { rule: 'lease.renew', actions: [...ask, renewal], because: [left] };
  }
  return { rule: 'lease.hold', actions: [], because: [left] };
}
