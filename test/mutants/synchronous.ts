import {
  crashWithoutEtcd,
  edit,
  justPromoted,
  lateReplay,
  lateWrites,
  namesChange,
  quorumMode,
  slowToRise,
  synchronousMode,
} from './grounds.ts';
import type { Mutant } from './list.ts';

const ground = synchronousMode;

/** What keeps each acknowledged commit in synchronous mode, each thing by itself. */
export const synchronousMutants: readonly Mutant[] = [
  {
    name: 'synchronous: whoever is fit may lead, waited for or not',
    edits: [edit('decide/rules/race.ts', '  notEligible,\n  notSynchronous,', '  notEligible,')],
    ground,
  },
  {
    name: 'synchronous: a standby is named in /sync as soon as PostgreSQL calls it synchronous',
    edits: [
      edit(
        'decide/synchronous/view.ts',
        'settledLsn !== null && flushLsn >= settledLsn',
        'flushLsn > (settledLsn === null ? 0n : 1n)',
      ),
    ],
    ground,
  },
  {
    name: 'synchronous: what was received and is not replayed yet is not told',
    edits: [
      edit(
        'agent/postgres/probe.ts',
        'receivedLsn: furthest([position(row.receive_lsn), receiver?.writtenLsn ?? null, replayedLsn])',
        'receivedLsn: replayedLsn',
      ),
    ],
    ground: lateReplay,
  },
  {
    name: 'synchronous: what a session shows of the names is taken for what commits wait for',
    edits: [edit('decide/upkeep/synchronous.ts', '!inForce || seen.nowMs', 'seen.nowMs')],
    ground: namesChange,
  },
  {
    name: 'synchronous: a name is taken from PostgreSQL before it is taken from /sync',
    edits: [
      edit(
        'decide/synchronous/priority.ts',
        '  if (listed.some((name) => !isIn(active, name))) return publish(next);\n',
        '',
      ),
      edit(
        'decide/synchronous/priority.ts',
        '|| !listed.every((name) => isIn(confirmed, name)))',
        '|| (!listed.every((name) => isIn(confirmed, name)) && seen.memory.synchrony?.settledLsn != null))',
      ),
    ],
    ground,
  },
  {
    name: 'synchronous: a promotion does not wait until commits wait',
    edits: [
      edit(
        'agent/postgres/jobs/promote.ts',
        "if (parts.settings().cluster.synchronousMode === 'off') return null;",
        'if (parts !== null) return null;',
      ),
    ],
    ground,
  },
  {
    name: 'synchronous: a primary starts in place without anybody to wait for',
    edits: [
      edit('decide/rules/crashed.ts', 'synchronousNames: namesAtStart(seen),', "synchronousNames: '',"),
      edit('decide/rules/restart.ts', 'synchronousNames: namesAtStart(seen),', "synchronousNames: '',"),
    ],
    ground,
  },
  {
    name: 'synchronous: a primary without etcd starts in place without anybody to wait for',
    edits: [edit('decide/rules/crashed.ts', '? memory.wentBy.names : null;', "? '' : null;")],
    ground: crashWithoutEtcd,
  },
  {
    name: 'synchronous: the files of a server that was told to promote are written as those of a standby',
    edits: [edit('decide/upkeep/configuration.ts', ' && !isRising;', ';')],
    ground: slowToRise,
  },
  {
    name: 'synchronous: a write to /sync that was lost sight of is forgotten',
    edits: [edit('decide/synchronous/view.ts', 'dcs.syncInDoubt === true', 'dcs.syncInDoubt === null')],
    ground: lateWrites,
  },
];

/** What is added in quorum mode. */
export const quorumMutants: readonly Mutant[] = [
  {
    name: 'quorum: whoever is fit may lead, without votes',
    edits: [edit('decide/rules/race.ts', '  tooFewVotes,\n  acquire,', '  acquire,')],
    ground: quorumMode,
  },
  {
    name: 'quorum: the last primary may come back without votes after another one began',
    edits: [edit('decide/rules/leading.ts', '        ...claimBefore(seen),\n', '')],
    ground: justPromoted,
  },
  {
    name: 'quorum: a new list is written before /sync allows for it',
    edits: [
      edit(
        'decide/synchronous/quorum.ts',
        'if (written !== list && !isSafeUnder(now, readSynchronousNames(list)))',
        'if (written !== list && now.quorum < 0)',
      ),
    ],
    ground: quorumMode,
  },
  {
    name: 'quorum: a standby is a voter like all others from its first moment on',
    edits: [
      edit(
        'decide/synchronous/ballot.ts',
        'Math.min(unproven, now.quorum + added)',
        'Math.min(unproven, 0, now.quorum + added)',
      ),
    ],
    ground: quorumMode,
  },
  {
    name: 'quorum: a vote may be of the time before the last reign was over',
    edits: [edit('decide/synchronous/votes.ts', 'isOutdated: atMs < overMs', 'isOutdated: false')],
    ground: quorumMode,
  },
  {
    name: 'quorum: a standby says that it has withdrawn while its walreceiver is there yet',
    edits: [
      edit(
        'agent/postgres/probe.ts',
        "conninfo.host === undefined && row.receiving === 'f'",
        'conninfo.host === undefined',
      ),
    ],
    ground: quorumMode,
  },
  {
    name: 'quorum: nobody withdraws from whoever led, before it votes or leads',
    edits: [edit('decide/rules/race.ts', '  withdraw,\n  ...lastReignRules,', '  ...lastReignRules,')],
    ground: quorumMode,
  },
];
