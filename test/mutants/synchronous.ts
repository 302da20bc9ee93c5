import { edit, synchronousMode } from './grounds.ts';
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
      edit('decide/upkeep/synchronous.ts', '      since.settledLsn !== null &&\n', ''),
      edit('decide/upkeep/synchronous.ts', 'one.flushLsn >= since.settledLsn', 'one.flushLsn > 0n'),
    ],
    ground,
  },
  {
    name: 'synchronous: what a session shows of the names is taken for what commits wait for',
    edits: [edit('decide/upkeep/synchronous.ts', '!inForce || seen.nowMs', 'seen.nowMs')],
    ground,
  },
  {
    name: 'synchronous: a name is taken from PostgreSQL before it is taken from /sync',
    edits: [
      edit(
        'decide/upkeep/synchronous.ts',
        '  if (listed.some((name) => !isIn(active, name))) return publish(proven);\n',
        '',
      ),
      edit(
        'decide/upkeep/synchronous.ts',
        'if (!listed.every((name) => isIn(confirmed, name))) return',
        'if (!listed.every((name) => isIn(confirmed, name)) && seen.memory.synchrony?.settledLsn != null) return',
      ),
    ],
    ground,
  },
  {
    name: 'synchronous: a promotion does not wait until commits wait',
    edits: [
      edit(
        'agent/postgres/jobs/promote.ts',
        "if (parts.settings().cluster.synchronousMode !== 'on') return null;",
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
    name: 'synchronous: a write to /sync that was lost sight of is forgotten',
    edits: [edit('decide/upkeep/synchronous.ts', 'seen.dcs.syncInDoubt === true', 'seen.dcs.syncInDoubt === null')],
    ground,
  },
];
