import {
  beginsAnew,
  besidePatroni,
  type Edit,
  edit,
  type Ground,
  guards,
  keyAgain,
  lateReleases,
  loopStalls,
  rulesAlone,
  slowHook,
} from './grounds.ts';

/** One safety rule or guard taken away. Each `find` stands exactly once in its file. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Where it is judged; absent: with all the others in place, and every fault. */
  readonly ground?: Ground;
}

const createOnly: readonly Edit[] = [
  edit('agent/dcs/take.ts', "    { target: 'create', key: keys.leader, equals: absent },\n", ''),
];
const reignBetween: readonly Edit[] = [
  edit(
    'agent/dcs/take.ts',
    "    { target: 'mod', key: keys.status, equals: seen.status },\n    { target: 'mod', key: keys.timeline, equals: seen.timeline },\n    { target: 'mod', key: keys.sync, equals: seen.sync },\n",
    '',
  ),
];
const leaseAlive: readonly Edit[] = [edit('decide/rules/lastReign.ts', ' notVacant, unknownPast]', ' unknownPast]')];
const noUnfenced: readonly Edit[] = [edit('decide/rules/lastReign.ts', 'vetoed, unfenced, ', 'vetoed, ')];

/**
 * What keeps data safe, each thing by itself. Taken away, a law must be seen broken on random seeds: one that survives is a
 * hole in the laws or in the model, or a rule that does nothing.
 */
export const mutants: readonly Mutant[] = [
  {
    name: 'a release of the leader key that was lost sight of is forgotten',
    edits: [
      edit('agent/dcs/leadership.ts', "      released = 'by me';\n", ''),
      edit('agent/dcs/leadership.ts', 'held = { ...mine, proven: false, releaseInDoubt: true };', 'held = mine;'),
      edit('agent/dcs/leadership.ts', "      released = 'before me';\n", ''),
      edit(
        'agent/dcs/leadership.ts',
        'proven: false, releaseInDoubt: true };\n      askedS',
        'proven: false };\n      askedS',
      ),
    ],
    ground: lateReleases,
  },
  {
    name: 'no premise is asked again before an irreversible step',
    edits: [
      edit('agent/premise.ts', 'if (premise.term === null) return null;', 'if (parts !== null) return null;'),
      edit(
        'agent/postgres/jobs/source.ts',
        'const asked = await runOnce(',
        'if (target !== null) return null;\n  const asked = await runOnce(',
      ),
    ],
  },
  {
    name: 'a standby with the key is promoted with whatever is left of the lease',
    edits: [
      edit(
        'decide/rules/leading.ts',
        'if (leftMs < leaseNeededToPromoteMs(seen.settings.cluster)) {',
        'if (leftMs < -1e9) {',
      ),
      edit('agent/premise.ts', 'if (leftMs < stopBudgetMs(underLease(cluster, held)))', 'if (leftMs < -1e9)'),
      // A timeline that cannot be announced keeps it from being promoted, too, and etcd is away when a lease runs out.
      edit('agent/postgres/jobs/promote.ts', 'return why === null ? null :', 'return why !== undefined ? null :'),
    ],
    ground: slowHook,
  },
  {
    name: 'the lease is counted from the answer, not from the sending',
    edits: [
      edit(
        'agent/dcs/leadership.ts',
        'const deadlineMs = fenceDeadline(sentMs, countedMs, options.marginMs(countedMs));',
        'const deadlineMs = fenceDeadline(clock.now(), countedMs, options.marginMs(countedMs));',
      ),
    ],
  },
  {
    name: 'a keep-alive alone is a renewal, whoever holds the key',
    edits: [
      edit(
        'agent/dcs/leadership.ts',
        'if (key === undefined) return ended(describeLeader(key));',
        'if (key === undefined) return { kind: "done", value: hold({ ...mine, ttlMs: kept.answer.ttlS * 1_000, sentMs: kept.sentMs }), revision: checked.header.revision, sentMs: kept.sentMs };',
      ),
      edit('agent/dcs/leadership.ts', 'if (!checked.answer.succeeded) return lost(describeLeader(key));', ''),
      edit('decide/lease.ts', 'if (!iAmLeader(seen)) {', 'if (seen.nowMs < 0) {'),
    ],
  },
  {
    name: 'a renewal that finds the key gone puts it again',
    edits: [
      edit(
        'agent/dcs/leadership.ts',
        'if (key === undefined) return ended(describeLeader(key));',
        'if (!checked.answer.succeeded || key === undefined) { await client.request("txn", { compare: [], success: [{ op: "put", key: keys.leader, value: name, lease: mine.lease }], failure: [] }, { budgetMs: leftMs(endMs) }); return { kind: "done", value: hold({ ...mine, ttlMs: kept.answer.ttlS * 1_000, sentMs: kept.sentMs }), revision: checked.header.revision, sentMs: kept.sentMs }; }',
      ),
      edit('decide/lease.ts', 'if (!iAmLeader(seen)) {', 'if (seen.nowMs < 0) {'),
    ],
  },
  {
    name: 'the key is taken over another one',
    edits: createOnly,
    ground: { name: 'a reign between does not matter', edits: reignBetween, faults: null },
  },
  {
    name: 'a reign that came between does not matter',
    edits: reignBetween,
    ground: { name: 'the key is taken over another one', edits: createOnly, faults: null },
  },
  {
    name: 'the lease of a key that the running primary may hold is revoked',
    edits: [
      edit(
        'agent/dcs/leadership.ts',
        'if (writesUntilMs === null) options.revoke(lease);\n      else tries.add',
        'options.revoke(lease);\n      if (writesUntilMs !== null) tries.add',
      ),
    ],
    ground: keyAgain,
  },
  {
    name: 'no rule stops the primary before its lease ends',
    edits: [edit('decide/rules/safety.ts', '  leaseRunningOut,\n  unguarded,', '  unguarded,')],
    ground: rulesAlone,
  },
  {
    name: 'the dead-man switch is off',
    edits: guards.deadman,
    ground: loopStalls,
  },
  {
    name: 'the guardian does not strike',
    edits: guards.guardian,
  },
  {
    name: 'the guardian is disarmed while PostgreSQL runs as primary',
    edits: [
      edit(
        'guardian/judge.ts',
        'if (seen.running && seen.told) return',
        'if (seen.running || !seen.running) return null; if (seen.running && seen.told) return',
      ),
      edit(
        'decide/upkeep/guard.ts',
        "if (!(armed || switchOn) || jobs.kind === 'busy' || mayAcceptWrites(seen.postgres)) return { actions: [] };",
        "if (!(armed || switchOn) || jobs.kind === 'busy') return { actions: [] };",
      ),
      edit('decide/upkeep/guard.ts', 'if (useMs > 0) return { actions: [], wakeInMs: useMs };', ''),
    ],
  },
  {
    name: 'a promotion does not wait for an armed guard',
    edits: [
      edit(
        'decide/judge.ts',
        "  seen.guard.kind === 'off' ||\n  (seen.guard.kind === 'present'",
        "  seen.guard.kind !== 'absent' ||\n  (seen.guard.kind === 'present'",
      ),
      edit(
        'agent/act.ts',
        'hands.deadlineMoved(held.deadlineMs);\n  return ofControl(await hands.guard.setDeadline(held, guardLimitMs));',
        'hands.deadlineMoved(held.deadlineMs);\n  return done;',
      ),
    ],
  },
  {
    name: 'another leader does not stop a running primary',
    edits: [edit('decide/rules/safety.ts', '  leaderElsewhere,\n  leaseRunningOut,', '  leaseRunningOut,')],
    ground: besidePatroni,
  },
  {
    name: 'a primary without a lease goes on',
    edits: [edit('decide/rules/safety.ts', '  takesKeyAgain,\n  unleasedPrimary,', '  takesKeyAgain,')],
    ground: rulesAlone,
  },
  {
    name: 'the lease behind a key that is gone is not waited for',
    edits: leaseAlive,
  },
  {
    name: 'a living primary has no veto',
    edits: [edit('decide/rules/lastReign.ts', 'if (living === null) return undefined;', 'return undefined;')],
    ground: besidePatroni,
  },
  {
    name: 'an agent that knows nothing of the past races at once',
    edits: [edit('decide/rules/lastReign.ts', ' notVacant, unknownPast]', ' notVacant]')],
    ground: beginsAnew,
  },
  {
    name: 'a primary that pause left without a guard is not waited for',
    edits: noUnfenced,
  },
  {
    name: 'whoever lags, or left the history, may lead',
    edits: [edit('decide/rules/race.ts', '  justReleased,\n  notEligible,', '  justReleased,')],
  },
  {
    name: 'the lag limit is off',
    edits: [
      edit(
        'decide/rules/race.ts',
        'if (!chosen && !hasEveryCommit(seen, me(seen)) && end !== null && lagBytes > limit) {',
        'if (!chosen && end !== null && lagBytes > limit + 1_000_000_000_000n) {',
      ),
    ],
  },
  {
    name: 'the timeline check is off',
    edits: [
      edit(
        'decide/rules/race.ts',
        'if (!chosen) reasons.push(...offHistory(',
        'if (chosen) reasons.push(...offHistory(',
      ),
    ],
  },
  {
    name: 'nobody who is further goes first',
    edits: [
      edit(
        'decide/rules/turns.ts',
        'candidateFirst, formerLeader, awaitAnswers, waitForStarting, waitForAhead]',
        'candidateFirst, formerLeader]',
      ),
    ],
  },
  {
    name: 'a former primary follows without asking whether its history left',
    edits: [
      edit(
        'decide/rules/rejoin.ts',
        'if ((!wasPrimary && !startFailed) || backupLabel) return start();',
        'if (wasPrimary || startFailed || backupLabel) return start();',
      ),
    ],
  },
  {
    name: 'a rewind does not wait for the checkpoint of the new primary',
    edits: [
      edit(
        'decide/rules/rejoin.ts',
        'if (memberOf(clusterOf(seen), source.member)?.checkpointAfterPromote === false) {',
        'if (seen.nowMs < 0) {',
      ),
    ],
  },
  {
    name: 'taken timelines are begun again',
    edits: [
      edit(
        'decide/contest.ts',
        'return timeline(Math.max(mine, ...known.map(Number)));',
        'return known.length < 0 ? timeline(0) : mine;',
      ),
    ],
  },
];
