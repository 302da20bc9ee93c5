import type { Fact } from '../model/decision.ts';
import type { FinishedJob, Hindrance } from '../model/job.ts';
import type { Memory, Observation } from '../model/observation.ts';
import { type Lsn, lsnText } from '../model/units.ts';
import { clusterOf, me, memberOf, otherLeader, runningStandby } from './judge.ts';

/**
 * A replica that does not get on: what of it has a name, and what people can do. Repairs are bounded, and what proves one is a
 * stream that lasts, never a server that is up.
 */

/** So many repairs under one leader, with no stream after any of them: the next one would not help, either. */
const repairsMax = 3;
/** A receiver that lived so long does receive: one that cannot find its WAL is started, and ends, every few seconds. */
const streamsForMs = 10_000;

/** Counts the repairs that are done, until one is seen to have helped: called with every observation, whatever rule answers. */
export function vainMemory(seen: Observation): Memory['vain'] {
  const leader = otherLeader(seen);
  const known = seen.memory.vain;
  if (leader === null) return seen.held === null ? known : null;
  const mine = known?.leader === leader.name && known.term === leader.term ? known : null;
  const streaming = streamingSince(seen, mine);
  if (streaming !== null && seen.nowMs - streaming.sinceMs >= streamsForMs) return null;
  const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  if (last === null || !isRepairUnder(last, leader) || (mine !== null && last.endedMs <= mine.countedEndMs))
    return mine === null ? null : { ...mine, streaming };
  const repairs = (mine?.repairs ?? 0) + 1;
  return { leader: leader.name, term: leader.term, repairs, countedEndMs: last.endedMs, streaming: null };
}

function streamingSince(seen: Observation, known: Memory['vain']): NonNullable<Memory['vain']>['streaming'] {
  const receiver = runningStandby(seen)?.receiver ?? null;
  if (receiver?.status !== 'streaming') return null;
  const before = known?.streaming ?? null;
  return before !== null && before.pid === receiver.pid ? before : { pid: receiver.pid, sinceMs: seen.nowMs };
}

const isRepairUnder = (
  { job, ended }: FinishedJob,
  leader: { readonly name: string; readonly term: bigint },
): boolean =>
  (job.kind === 'rewind' || job.kind === 'clone') &&
  ended === 'done' &&
  job.premise.leader === leader.name &&
  job.premise.term === leader.term;

/** No more of it is thrown away: why not, and what people can do. Null: it may be repaired once more. */
export function repairedInVain({ memory }: Observation): readonly Fact[] | null {
  const { vain } = memory;
  if (vain === null || vain.repairs < repairsMax) return null;
  return [
    ['repairsInVain', vain.repairs],
    [
      'needsOperator',
      `repaired ${vain.repairs} times, and after none of them it streamed for ${streamsForMs / 1_000} s: see to it that ${vain.leader} keeps enough WAL (use_slots, wal_keep_size, max_slot_wal_keep_size), then run reinit`,
    ],
  ];
}

/** Each receiver lives for a moment, and brings the same again: a stream that is seen now and then is none. */
export function standsMemory(seen: Observation): Memory['replayStands'] {
  const standby = runningStandby(seen);
  const before = seen.memory.replayStands;
  if (standby === null) return null;
  if (before !== null && standby.replayedLsn === before.lsn) return before;
  return standby.cannotReplay === true ? { lsn: standby.replayedLsn, sinceMs: seen.nowMs } : null;
}

/** PostgreSQL asks for more every 5 s: half a record is whole by then, where its leader is there. */
const standsForMs = 30_000;

/** Where replay stands for good; null: it goes on, or may yet. */
export function replayStandsAt({ memory, nowMs }: Observation): Lsn | null {
  const { replayStands } = memory;
  return replayStands !== null && nowMs - replayStands.sinceMs >= standsForMs ? replayStands.lsn : null;
}

/** A standby with the leader's history that has not streamed for so long does not come back by itself. */
const stuckAfterMs = 120_000;

/** Why this standby does not stream, as far as its last check could tell; and what people must do, if they must. */
export function notStreamingBecause(seen: Observation, forMs: number): readonly Fact[] {
  const last = seen.jobs.kind === 'idle' ? seen.jobs.last : null;
  const divergence = last?.job.kind === 'checkDivergence' && last.ended === 'done' ? last.divergence : null;
  if (divergence?.kind === 'unknown')
    return [
      ['checked', divergence.why],
      ...(divergence.refused === true
        ? [['cause', 'loginRefused'] as const, ['needsOperator', loginRemedy] as const]
        : []),
    ];
  const hindrance = divergence?.kind === 'none' ? divergence.hindrance : undefined;
  if (hindrance !== undefined) return hinderedBy(hindrance, forMs);
  const standsAt = replayStandsAt(seen);
  if (standsAt !== null && divergence?.kind === 'none')
    return [
      ['cause', 'cannotReplay'],
      [
        'needsOperator',
        `replay stands at ${lsnText(standsAt)}: what its leader ${otherLeader(seen)?.name ?? ''} has there does not continue what is here, so that a disk was rolled back or damaged; ${seen.settings.local.stateDir}/postgres.log, or what log_directory names, says how. If nothing here is to be kept: reinit ${me(seen)}`,
      ],
    ];
  return forMs < stuckAfterMs || mayStillCome(seen) ? [] : [['needsOperator', logRemedy(seen)]];
}

const loginRemedy =
  "the leader's server does not let this node replicate: see to postgresql.authentication.replication here, and to pg_hba.conf and the role there";

function hinderedBy(hindrance: Hindrance, forMs: number): readonly Fact[] {
  switch (hindrance.kind) {
    case 'diskFull':
      return [
        ['cause', 'diskFull'],
        ['freeBytes', hindrance.freeBytes],
        ['needsOperator', 'the disk of its WAL is full: make room'],
      ];
    case 'slotLost': {
      const { slot, status } = hindrance;
      const facts: readonly Fact[] = [
        ['cause', 'slotLost'],
        ['slot', `${slot}: ${status}`],
      ];
      // The leader makes those of its members itself, in a moment.
      if (forMs < stuckAfterMs) return facts;
      return [
        ...facts,
        ['needsOperator', `the leader does not have the slot ${slot} (${status}): drop it there if it is lost`],
      ];
    }
    default:
      return hindrance satisfies never;
  }
}

/** An archive may bring it on, or it has its own WAL to replay, or the leader is not one yet. */
function mayStillCome(seen: Observation): boolean {
  const leader = memberOf(clusterOf(seen), otherLeader(seen)?.name ?? '');
  return (
    seen.settings.postgres.recovery.restore_command !== undefined ||
    runningStandby(seen)?.replaysOwnWal === true ||
    leader?.role !== 'primary'
  );
}

const logRemedy = ({ settings }: Observation): string =>
  `it is on the leader's history, and still does not stream: its WAL receiver says why in ${settings.local.stateDir}/postgres.log, or where log_directory is`;

/** It is read anew every 2 s: what has not passed by then was no bad moment. */
const unreadableMs = 20_000;

/** Why what is there can be read by nobody, and who can mend that. */
export function unreadableBecause(seen: Observation, why: string): readonly Fact[] {
  const forMs = seen.nowMs - (seen.memory.unreadableSinceMs ?? seen.nowMs);
  if (forMs < unreadableMs) return [];
  return [
    ['forMs', Math.round(forMs)],
    ['needsOperator', `${why}: ${readRemedy(seen, why)}`],
  ];
}

function readRemedy(seen: Observation, why: string): string {
  const { dataDir, binDir } = seen.settings.local.postgres;
  if (/disk does not answer/.test(why)) return `see to the disk below ${dataDir}; it is looked at again by itself`;
  if (/EACCES|EPERM|permission denied/i.test(why))
    return `give ${dataDir} and all in it to the user that this agent runs as, with mode 0700`;
  if (/ENOENT|No such file.*program|not found/i.test(why) && /^pg_controldata/.test(why))
    return `see to postgresql.bin_dir (${binDir})`;
  if (/a job \(.*\) died in/.test(why)) return 'it is read again by itself';
  const put = `put ${dataDir} back, from where its files went or from a backup`;
  return otherLeader(seen) === null ? put : `${put}; or reinit ${me(seen)}, which copies it from the leader`;
}

/** So many failures in a row are no bad moment any more: they are tried again all the same, once a minute. */
const failuresMax = 5;

/** What a repair that fails again and again needs. */
export function failingBecause(failures: number, last: FinishedJob | null): readonly Fact[] {
  if (failures < failuresMax) return [];
  const error = last?.error ?? '';
  const what = last === null ? 'the repair' : last.job.kind;
  return [['needsOperator', `${what} failed ${failures} times in a row: ${remedyFor(error)}`]];
}

function remedyFor(error: string): string {
  if (/No space left on device|ENOSPC/i.test(error)) return 'the disk is full: make room';
  if (/password authentication failed|no pg_hba\.conf entry|role ".*" does not exist|permission denied/i.test(error))
    return 'a login is refused: see to postgresql.authentication and pg_hba.conf';
  return error === '' ? 'the journal has no reason: see to postgres.log' : error.slice(-300);
}
