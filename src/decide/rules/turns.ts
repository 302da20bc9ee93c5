import type { Verdict } from '../../model/decision.ts';
import { lsnText } from '../../model/units.ts';
import { leaderless, leaderlessSince, named, pendingAnswers, starters } from '../contest.ts';
import { dueRequest, me, myPosition } from '../judge.ts';
import type { Rule } from '../rule.ts';
import { betterThan, candidateLimitMs, turnOf, whyItWaits, whyNotPassedOver } from '../turn.ts';

/** Nobody leads, and this node may: who of those that may goes first, and for how long. */

/** How long a living peer's answer is waited for: a dead host must cost nothing. */
const answerLimitMs = 300;

/** For all that are starting together. */
const startingLimitMs = 5_000;
/** One that is down is about to be started, or it stays so: a replica that waits for its operator must not cost each failover more. */
const downLimitMs = 1_000;
/** It is at it, and needs no questions. */
const atOnceMs = 150;

const candidateFirst: Rule = {
  name: 'race.candidateFirst',
  reason: 'another member was named to take over',
  judge(seen) {
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable') return undefined;
    const request = dueRequest(seen);
    const candidate = request?.candidate ?? null;
    if (candidate === null || candidate === me(seen)) return undefined;
    const sinceMs = leaderlessSince(seen);
    const waitedMs = seen.nowMs - sinceMs;
    const report = seen.peers.find((peer) => peer.name === candidate);
    const able = report !== undefined && report.last.kind !== 'silent';
    if (!able || waitedMs > candidateLimitMs) return undefined;
    return {
      actions: waitedMs < atOnceMs ? [] : [{ kind: 'askPeers' }],
      because: [
        ['candidate', candidate],
        ['waitedMs', Math.round(waitedMs)],
        ['limitMs', candidateLimitMs],
        ...whyItWaits(seen, candidate),
      ],
      wakeInMs: 200,
    };
  },
};

/** In a switchover without a candidate the old leader must not win back what it gave away, while another can take it. */
const formerLeader: Rule = {
  name: 'race.formerLeader',
  reason: 'this node stepped down for a switchover: the others go first',
  judge(seen) {
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable') return undefined;
    const request = dueRequest(seen);
    if (request?.leader !== me(seen)) return undefined;
    const waitedMs = seen.nowMs - leaderlessSince(seen);
    if (waitedMs > candidateLimitMs) return undefined;
    return { actions: [], because: [['waitedMs', Math.round(waitedMs)]], wakeInMs: 500 };
  },
};

const awaitAnswers: Rule = {
  name: 'race.askPeers',
  reason: 'the others are asked how far they are; a missing answer that cannot change the choice is not waited for',
  judge(seen) {
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable' || named(seen)) return undefined;
    const sinceMs = leaderlessSince(seen);
    const { unasked, pending } = pendingAnswers(seen, sinceMs, answerLimitMs);
    if (unasked.length === 0 && pending.length === 0) return undefined;
    return {
      actions: unasked.length > 0 ? [{ kind: 'askPeers' }] : [],
      because: [
        ['unasked', unasked.join(',') || null],
        ['pending', pending.join(',') || null],
      ],
      wakeInMs: unasked.length > 0 ? 50 : answerLimitMs,
    };
  },
};

/** When all machines come back at once, the first server that is up is not the furthest. */
const waitForStarting: Rule = {
  name: 'race.peerStarting',
  reason:
    'a member answers whose server is only just starting, and may have more: it is waited for, for a bounded time',
  judge(seen) {
    if (leaderless(seen) === null || seen.dcs.kind !== 'reachable' || named(seen)) return undefined;
    // Where the last leader gave the key away it said how far it was, and that is asked of everybody.
    if (seen.dcs.vacancy?.released === true) return undefined;
    const starting = starters(seen);
    if (starting.length === 0) return undefined;
    const before = seen.memory.startingSinceMs;
    const sinceMs = before !== null && before >= leaderlessSince(seen) ? before : seen.nowMs;
    const waitedMs = seen.nowMs - sinceMs;
    const limitMs = starting.some((one) => one.starting) ? startingLimitMs : downLimitMs;
    if (waitedMs > limitMs) return undefined;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['starting', starting.map(({ name }) => name).join(',')],
        ['waitedMs', Math.round(waitedMs)],
        ['limitMs', limitMs],
      ],
      memory: { startingSinceMs: sinceMs },
      wakeInMs: 200,
    };
  },
};

const waitForAhead: Rule = {
  name: 'race.peerAhead',
  reason: 'a member is further ahead: it goes first, for a bounded time',
  judge(seen): Verdict | undefined {
    const mine = myPosition(seen);
    if (leaderless(seen) === null || mine === null || seen.dcs.kind !== 'reachable' || named(seen)) return undefined;
    const turn = turnOf(seen, betterThan(seen, mine));
    if (turn === null) return undefined;
    const { peer, waitedMs, limitMs, turns } = turn;
    return {
      actions: [{ kind: 'askPeers' }],
      because: [
        ['peer', peer.name],
        ['itsLsn', lsnText(peer.lsn)],
        ['myLsn', lsnText(mine.lsn)],
        ['answers', peer.answers],
        ['waitedMs', Math.round(waitedMs)],
        ['limitMs', Number.isFinite(limitMs) ? limitMs : null],
        ...whyItWaits(seen, peer.name),
        ...whyNotPassedOver(seen, turn),
      ],
      memory: { turns },
      wakeInMs: waitedMs > candidateLimitMs ? 1_000 : 100,
    };
  },
};

export const turnRules: readonly Rule[] = [candidateFirst, formerLeader, awaitAnswers, waitForStarting, waitForAhead];
