import type { EtcdAnswer, EtcdAsk, EtcdCall, EtcdHeader } from '../../model/world.ts';
import { type Leases, leastTtlS } from './leases.ts';
import type { Raft, RaftMember } from './raft.ts';
import type { Store } from './store.ts';

export type ServerReply<C extends EtcdCall> =
  | { readonly kind: 'answered'; readonly header: EtcdHeader; readonly answer: EtcdAnswer<C> }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

export interface EtcdServer {
  /** As the member's process. `reply` may never be called: then the request hangs, and may be carried out later. */
  handle<C extends EtcdCall>(
    member: RaftMember,
    call: C,
    ask: EtcdAsk<C>,
    reply: (reply: ServerReply<C>) => void,
  ): void;
  header(member: RaftMember): EtcdHeader;
}

/** Calls that a member without a leader answers all the same; all others ask for `hasleader`. */
const leaderless: ReadonlySet<EtcdCall> = new Set(['status', 'authenticate']);

export function makeServer(
  raft: Raft,
  store: Store,
  leases: Leases,
  urlOf: (member: RaftMember) => string,
): EtcdServer {
  const header = (member: RaftMember): EtcdHeader => ({
    clusterId: 0xc1057e4n,
    memberId: member.id,
    revision: store.revision(),
    raftTerm: raft.term(),
  });

  type Handlers = {
    readonly [C in EtcdCall]: (member: RaftMember, ask: EtcdAsk<C>, reply: (reply: ServerReply<C>) => void) => void;
  };
  const handlers: Handlers = {
    range(member, ask, reply) {
      const from = member.process;
      raft.readIndex(member, () => {
        const found = store.range(ask.key, ask.rangeEnd, ask.revision);
        const at = header(member);
        raft.whenApplied(member, () =>
          from?.deliver(() =>
            reply(found.kind === 'error' ? found : { kind: 'answered', header: at, answer: { kvs: found.kvs } }),
          ),
        );
      });
    },
    txn(member, ask, reply) {
      let answer: ServerReply<'txn'> | null = null;
      raft.propose(
        member,
        () => {
          const done = store.txn(ask.compare, ask.success, ask.failure, leases.lives);
          const { kind } = done;
          if (kind === 'error') answer = done;
          else
            answer = {
              kind: 'answered',
              header: header(member),
              answer: { succeeded: done.succeeded, ranges: done.ranges },
            };
        },
        () => answer !== null && reply(answer),
      );
    },
    leaseGrant(member, ask, reply) {
      const lease = leases.newId();
      const ttlS = Math.max(ask.ttlS, leastTtlS);
      propose(
        member,
        () => leases.grant(lease, ttlS),
        (at) => reply({ kind: 'answered', header: at, answer: { lease, ttlS } }),
      );
    },
    leaseKeepAlive(member, ask, reply) {
      askLeader(
        member,
        () => leases.renew(ask.lease),
        (ttlS, at) => reply({ kind: 'answered', header: at, answer: { ttlS } }),
      );
    },
    leaseRevoke(member, ask, reply) {
      let known = false;
      propose(
        member,
        () => {
          known = leases.revoke(ask.lease);
        },
        (at) => reply(known ? { kind: 'answered', header: at, answer: {} } : leaseNotFound),
      );
    },
    leaseTimeToLive(member, ask, reply) {
      askLeader(
        member,
        () => leases.left(ask.lease),
        (left, at) => reply({ kind: 'answered', header: at, answer: left }),
      );
    },
    memberList(member, _ask, reply) {
      reply({ kind: 'answered', header: header(member), answer: { clientUrls: raft.members.map(urlOf) } });
    },
    status(member, _ask, reply) {
      reply({
        kind: 'answered',
        header: header(member),
        answer: { version: '3.4.23', leader: member.follows?.id ?? 0n },
      });
    },
    authenticate(member, ask, reply) {
      reply({ kind: 'answered', header: header(member), answer: { token: `token.${ask.name}` } });
    },
  };

  function propose(member: RaftMember, apply: () => void, applied: (at: EtcdHeader) => void): void {
    let at: EtcdHeader | null = null;
    raft.propose(
      member,
      () => {
        apply();
        at = header(member);
      },
      () => at !== null && applied(at),
    );
  }

  /** Leases are counted by the leader alone: no log, no majority, and the way there and back. */
  function askLeader<T>(member: RaftMember, ask: () => T, answered: (value: T, at: EtcdHeader) => void): void {
    const from = member.process;
    raft.onLeader(member, (leader) => {
      const value = ask();
      const answer = (): void => from?.deliver(() => answered(value, header(member)));
      if (leader === member) answer();
      else raft.tell(leader, member, answer);
    });
  }

  return {
    header,
    handle(member, call, ask, reply) {
      if (member.follows === null && !leaderless.has(call))
        return reply({ kind: 'error', code: 14, message: 'etcdserver: no leader' });
      handlers[call](member, ask, reply);
    },
  };
}

const leaseNotFound = { kind: 'error', code: 5, message: 'etcdserver: requested lease not found' } as const;
