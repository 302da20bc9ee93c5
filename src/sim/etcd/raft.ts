import type { SeededChance } from '../chance.ts';
import type { Engine } from '../engine.ts';
import type { Network, Stream } from '../network.ts';
import type { SimProcess } from '../process.ts';

/** One member of the etcd cluster. Its log is on disk: it outlives `process`. */
export interface RaftMember {
  readonly name: string;
  readonly host: string;
  readonly id: bigint;
  process: SimProcess | null; // null: not running
  /** How many entries of the current log it holds. */
  match: number;
  /** How many entries it has applied: what its watchers have seen. */
  applied: number;
  /** The leader it knows of, by what reached it. Null: none, it is electing. */
  follows: RaftMember | null;
}

/**
 * What the members agree on: one log. Entries are carried out in order, once a majority holds them. The election is
 * shortened to its outcome: 1.3 to 2 s after a majority lost its leader, one of those that hold most leads.
 */
export interface Raft {
  readonly members: readonly RaftMember[];
  leader(): RaftMember | null;
  term(): bigint;
  /** Carries `apply` out in the order of the log. `applied` is told to the proposer once it has applied it too; or never. */
  propose(by: RaftMember, apply: () => void, applied: () => void): void;
  /** Calls `confirmed` on the leader, at an instant at which a majority followed it; or never. */
  readIndex(by: RaftMember, confirmed: () => void): void;
  /** Runs `what` on the member that `by` takes for the leader, if it still takes itself for one. */
  onLeader(by: RaftMember, what: (leader: RaftMember) => void): void;
  /** A message between members, in order; heard by `to` if it runs then. */
  tell(from: RaftMember, to: RaftMember, what: () => void): void;
  /** Runs `what` on `member` once it has applied all that was committed at this moment. */
  whenApplied(member: RaftMember, what: () => void): void;
  /** Something changed: a member died, froze or came back. */
  reassess(): void;
  onElected(elected: (leader: RaftMember) => void): void;
  /** An entry was carried out: what it did is the state at this index. */
  onCommitted(committed: (index: number) => void): void;
  onApplied(applied: (member: RaftMember) => void): void;
}

/** A proposal waits this long for a leader before etcd gives it up. */
const proposalPatienceMs = 7000;

export function makeRaft(engine: Engine, chance: SeededChance, network: Network, members: readonly RaftMember[]): Raft {
  const log: (() => void)[] = [];
  const streams = new Map<string, Stream>();
  const electedListeners: ((leader: RaftMember) => void)[] = [];
  const committedListeners: ((index: number) => void)[] = [];
  const appliedListeners: ((member: RaftMember) => void)[] = [];
  const leaderless: {
    readonly member: RaftMember;
    readonly process: SimProcess | null;
    readonly sinceMs: number;
    go(): void;
  }[] = [];
  const waitingForApply: { readonly member: RaftMember; readonly index: number; what(): void }[] = [];
  const majority = Math.floor(members.length / 2) + 1;
  let leader: RaftMember | null = members[0] ?? null;
  let term = 2n;
  let committed = 0;
  let electionAtMs: number | null = null;
  let syncing = false;

  const runs = (member: RaftMember): boolean => member.process?.state() === 'running';
  const linked = (a: RaftMember, b: RaftMember): boolean =>
    a === b || (network.open(a.host, b.host) && network.open(b.host, a.host));
  const supporters = (member: RaftMember): readonly RaftMember[] =>
    runs(member) ? members.filter((other) => runs(other) && linked(member, other)) : [];

  function tell(from: RaftMember, to: RaftMember, what: () => void): void {
    const key = `${from.name}>${to.name}`;
    const known = streams.get(key);
    // Members dial anew rather than wait for TCP to try again.
    const stream =
      known === undefined || (known.blocked() && linked(from, to)) ? network.stream(from.host, to.host) : known;
    if (stream !== known) known?.close();
    streams.set(key, stream);
    stream.send(() => to.process?.deliver(what));
  }

  /** The leader offers a follower all it has; the answer counts towards the majority. */
  function replicate(to: RaftMember, answered?: () => void): void {
    const [from, inTerm] = [leader, term];
    if (from === null) return;
    const upTo = log.length;
    tell(from, to, () => {
      if (inTerm !== term) return;
      follow(to, from);
      to.match = Math.max(to.match, upTo);
      tell(to, from, () => {
        if (inTerm !== term) return;
        answered?.();
        commit();
      });
    });
  }

  function commit(): void {
    const held = members.map((member) => member.match).sort((a, b) => b - a)[majority - 1] ?? 0;
    if (held <= committed || leader === null) return;
    while (committed < held) {
      log[committed++]?.();
      for (const listener of committedListeners) listener(committed);
    }
    applyAt(leader, committed);
    const [from, upTo, inTerm] = [leader, committed, term];
    for (const member of members)
      if (member !== from) tell(from, member, () => inTerm === term && applyAt(member, Math.min(upTo, member.match)));
  }

  function applyAt(member: RaftMember, upTo: number): void {
    if (upTo <= member.applied) return;
    member.applied = upTo;
    for (const listener of appliedListeners) listener(member);
    const ready = waitingForApply.filter((one) => one.member === member && one.index <= upTo);
    for (const one of ready) {
      waitingForApply.splice(waitingForApply.indexOf(one), 1);
      one.what();
    }
  }

  function whenApplied(member: RaftMember, what: () => void): void {
    if (member.applied >= committed) what();
    else waitingForApply.push({ member, index: committed, what });
  }

  /** While a follower lags (it was cut off, frozen or down) the leader's heartbeats bring it up to date. */
  function keepSyncing(): void {
    if (syncing) return;
    syncing = true;
    engine.after(100, () => {
      syncing = false;
      if (leader === null || !runs(leader)) return;
      const lead = leader;
      const behind = members.filter(
        (m) => m !== lead && (m.match < log.length || m.applied < committed || m.follows !== lead),
      );
      for (const member of behind)
        if (runs(member) && linked(lead, member)) {
          replicate(member);
          const [upTo, inTerm] = [committed, term];
          tell(lead, member, () => inTerm === term && applyAt(member, Math.min(upTo, member.match)));
        }
      if (behind.length > 0) keepSyncing();
    });
  }

  function reassess(): void {
    keepSyncing();
    if (leader !== null && leader.follows === leader && supporters(leader).length >= majority) {
      electionAtMs = null;
      for (const member of members)
        if (member.follows === leader && !linked(member, leader)) forgetLeaderSoon(member, leader);
      return;
    }
    if (electionAtMs !== null) return;
    if (leader !== null) forgetLeaderSoon(leader, leader);
    const atMs = engine.now() + chance.between(1300, 2000);
    electionAtMs = atMs;
    engine.at(atMs, () => electionAtMs === atMs && elect());
  }

  /** A leader that hears no majority steps down, a follower that hears no leader forgets it: after an election timeout. */
  function forgetLeaderSoon(member: RaftMember, lead: RaftMember): void {
    engine.after(chance.between(1000, 1290), () => {
      const heard = member === lead ? supporters(lead).length >= majority : linked(member, lead) && runs(lead);
      if (member.follows === lead && !heard) member.follows = null;
    });
  }

  function elect(): void {
    electionAtMs = null;
    const able = members.filter((member) => supporters(member).length >= majority);
    // A voter refuses whoever holds less than itself: so the elected holds all that was ever acknowledged.
    const votes = (one: RaftMember): number => supporters(one).filter((voter) => voter.match <= one.match).length;
    const candidates = able.filter((one) => votes(one) >= majority);
    if (candidates.length === 0) {
      engine.after(500, reassess);
      return;
    }
    const elected = chance.pick(candidates);
    if (leader !== null && leader !== elected && leader.follows === leader) leader.follows = null;
    leader = elected;
    term++;
    // What only others held was never acknowledged, and is dropped: its proposers will not hear of it.
    log.length = Math.max(elected.match, committed);
    for (const member of members) member.match = Math.min(member.match, log.length);
    for (const stream of streams.values()) stream.close();
    streams.clear();
    elected.follows = elected;
    for (const listener of electedListeners) listener(elected);
    // An empty entry of the new term commits what it inherited.
    append(() => {});
    follow(elected, elected);
    keepSyncing();
  }

  /** What waited for a leader goes on, unless etcd itself has given it up. */
  function follow(member: RaftMember, lead: RaftMember): void {
    member.follows = lead;
    for (const one of leaderless.filter((waiting) => waiting.member === member)) {
      leaderless.splice(leaderless.indexOf(one), 1);
      if (engine.now() - one.sinceMs < proposalPatienceMs) one.process?.deliver(one.go);
    }
  }

  function append(apply: () => void): void {
    if (leader === null) return;
    log.push(apply);
    leader.match = log.length;
    for (const member of members) if (member !== leader) replicate(member);
    commit();
  }

  /** Through the wire to whom `by` follows; a request that finds nobody leading waits, and may be carried out much later. */
  function onLeader(by: RaftMember, what: (leader: RaftMember) => void, sinceMs = engine.now()): void {
    const lead = by.follows;
    if (lead === null) {
      leaderless.push({ member: by, process: by.process, sinceMs, go: () => onLeader(by, what, sinceMs) });
      return;
    }
    const arrive = (): void => (lead.follows === lead ? what(lead) : onLeader(lead, what, sinceMs));
    if (lead === by) arrive();
    else tell(by, lead, arrive);
  }

  network.onChange(reassess);
  for (const member of members) member.follows = leader;

  return {
    members,
    leader: () => leader,
    term: () => term,
    propose(by, apply, applied) {
      const proposer = by.process;
      onLeader(by, (lead) => {
        // A deposed leader that has not noticed can append, but never commit.
        if (lead !== leader) return;
        append(() => {
          apply();
          const index = committed;
          if (by.applied >= index) applied();
          else waitingForApply.push({ member: by, index, what: () => proposer?.deliver(applied) });
        });
      });
    },
    readIndex(by, confirmed) {
      onLeader(by, (lead) => {
        if (lead !== leader) return;
        let acks = 1;
        let done = false;
        const acknowledged = (): void => {
          if (done || acks < majority) return;
          done = true;
          confirmed();
        };
        for (const member of members)
          if (member !== lead)
            replicate(member, () => {
              acks++;
              acknowledged();
            });
        acknowledged();
      });
    },
    onLeader,
    tell,
    whenApplied,
    reassess,
    onElected: (listener) => void electedListeners.push(listener),
    onCommitted: (listener) => void committedListeners.push(listener),
    onApplied: (listener) => void appliedListeners.push(listener),
  };
}
