import { type Revision, revision } from '../../model/units.ts';
import type { EtcdWatchMessage } from '../../model/world.ts';
import type { SeededChance } from '../chance.ts';
import type { Engine } from '../engine.ts';
import type { EtcdBugs } from './bugs.ts';
import type { Raft, RaftMember } from './raft.ts';
import type { EtcdServer } from './server.ts';
import { inRange, type Store } from './store.ts';

/** The watch streams of all members: each shows what *its* member has applied, when it has applied it. */
export interface Watches {
  open(
    member: RaftMember,
    ask: { readonly key: string; readonly rangeEnd: string; readonly startRevision: Revision },
    send: (message: EtcdWatchMessage) => void,
  ): { progress(): void; close(): void };
  /** The store was compacted: a stream that has not shown what is gone now is canceled. */
  compacted(): void;
}

/** etcd ends a stream that asked for `hasleader` after three election timeouts without one. */
const withoutLeaderMs = 3000;

export function makeWatches(
  engine: Engine,
  chance: SeededChance,
  raft: Raft,
  store: Store,
  server: EtcdServer,
  bugs: Pick<EtcdBugs, 'doubledEvents' | 'droppedAtCompaction'>,
): Watches {
  interface Open {
    readonly member: RaftMember;
    advance(): void;
    compacted(): void;
  }
  const streams = new Set<Open>();
  /** The store's revision after each entry of the log. */
  const revisions: Revision[] = [revision(1n)];
  const reached = (member: RaftMember): Revision => revisions[member.applied] ?? store.revision();
  raft.onCommitted((index) => {
    revisions[index] = store.revision();
  });
  raft.onApplied((member) => {
    for (const stream of streams) if (stream.member === member) member.process?.deliver(stream.advance);
  });

  return {
    compacted() {
      for (const stream of streams) stream.compacted();
    },
    open(member, ask, send) {
      const header = () => ({ ...server.header(member), revision: reached(member) });
      let next = ask.startRevision > 0n ? ask.startRevision : revision(header().revision + 1n);
      let leaderlessMs: number | null = null;

      function advance(): void {
        const upTo = header().revision;
        if (upTo < next) return;
        const events = store.events(next, upTo).filter((event) => inRange(event.key, ask.key, ask.rangeEnd));
        next = revision(upTo + 1n);
        if (events.length === 0) return;
        send({ kind: 'events', header: header(), events });
        if (chance.happens(bugs.doubledEvents)) send({ kind: 'events', header: header(), events });
      }
      function compacted(): void {
        if (next >= store.compacted()) return;
        if (bugs.droppedAtCompaction) {
          next = store.compacted();
          return;
        }
        streams.delete(stream);
        member.process?.deliver(() =>
          send({
            kind: 'canceled',
            compactRevision: store.compacted(),
            why: 'etcdserver: mvcc: required revision has been compacted',
          }),
        );
      }
      const stream: Open = { member, advance, compacted };

      function checkLeader(): void {
        if (!streams.has(stream)) return;
        if (member.follows !== null) leaderlessMs = null;
        else leaderlessMs ??= engine.now();
        if (leaderlessMs !== null && engine.now() - leaderlessMs >= withoutLeaderMs) {
          streams.delete(stream);
          send({ kind: 'ended', why: 'etcdserver: no leader' });
        } else engine.after(500, checkLeader);
      }

      if (store.compacted() > 0n && next <= store.compacted()) {
        send({ kind: 'created', header: header() });
        send({ kind: 'canceled', compactRevision: store.compacted(), why: '' });
        return { progress() {}, close() {} };
      }
      streams.add(stream);
      send({ kind: 'created', header: header() });
      advance();
      checkLeader();
      return {
        // A sign of life only: on 3.4 it may overtake the events of its own revision.
        progress: () => streams.has(stream) && send({ kind: 'progress', header: header() }),
        close: () => void streams.delete(stream),
      };
    },
  };
}
