import type { LocalPostgres } from '../../model/postgres.ts';
import type { InstantMs, Pid } from '../../model/units.ts';
import type { ProcessInfo } from '../../model/world.ts';
import type { PostgresParts } from './parts.ts';

/**
 * A fast stop ends only when every walsender has had its standby confirm all of the WAL, or has waited wal_sender_timeout for
 * it: a standby whose cable was cut a moment ago would hold up a switchover for a minute. Whose confirmation matters is
 * waited for; the walsenders of the others are ended. They lose nothing but a shutdown checkpoint, which whoever leads next
 * sends them. SIGTERM it is, and never SIGKILL: that would make the clean end a crash.
 *
 * Then it waits for the archiver, and that one for archive_command. What is not archived stays marked as ready, and is not
 * waited for either: a command that ends by a signal ends the archiver, in good order.
 */

/** After the first successor has confirmed, the others of sound mind have, too. */
const graceMs = 300;
/** From the shutdown checkpoint on: it is on disk, and in the hands of the walsenders. */
const othersLimitMs = 1_000;
const successorsLimitMs = 3_000;
/** Before it: a walsender that cannot send holds up the checkpoint itself. Soon where a successor streams, else with patience. */
const othersBeforeMs = 5_000;
const successorsBeforeMs = 10_000;
const archiverLimitMs = 1_000;
const controlLimitMs = 1_000;
/** One whose connection is full gets stuck over its last words, and without an end: only the next signal makes it drop them. */
const againMs = 200;

export interface Senders {
  /** Called again and again while the server stops. */
  hasten(postmaster: ProcessInfo): Promise<void>;
}

/** `seen`: the server before it was told to stop; which walsender serves whom is in its own view alone. */
export function makeSenders(parts: PostgresParts, seen: LocalPostgres, successors: readonly string[]): Senders {
  const { clock, processes } = parts.world;
  const names = new Map<Pid, string>(
    seen.kind === 'running'
      ? seen.senders.flatMap(({ pid, applicationName }) => (pid === null ? [] : [[pid, applicationName] as const]))
      : [],
  );
  const isSuccessor = ({ pid }: ProcessInfo): boolean => successors.includes(names.get(pid) ?? '');
  const expected = [...names.values()].filter((name) => successors.includes(name)).length;
  const askedMs = new Map<Pid, InstantMs>();
  let beganMs: InstantMs | null = null;
  let downMs: InstantMs | null = null;
  let confirmedMs: InstantMs | null = null;

  function end(all: readonly ProcessInfo[], why: string): void {
    for (const { pid } of all) {
      const lastMs = askedMs.get(pid);
      if (lastMs !== undefined && clock.now() - lastMs < againMs) continue;
      askedMs.set(pid, clock.now());
      processes.signal(pid, 'TERM');
      if (lastMs === undefined)
        parts.step('stop', `a walsender is ended: ${why}`, [['standby', names.get(pid) ?? null]]);
    }
  }

  function endCommands(archivers: readonly ProcessInfo[]): void {
    for (const command of archivers.flatMap(below)) {
      if (askedMs.has(command.pid)) continue;
      askedMs.set(command.pid, clock.now());
      processes.signal(command.pid, 'TERM');
      parts.step('stop', 'archive_command is ended: the rest is archived later', [['command', command.commandLine]]);
    }
  }

  /** The shell first, and what it runs. */
  function below({ pid }: ProcessInfo): readonly ProcessInfo[] {
    const children = processes.children(pid);
    return [...children, ...children.flatMap(below)];
  }

  return {
    async hasten(postmaster) {
      const nowMs = clock.now();
      beganMs ??= nowMs;
      const children = processes.children(postmaster.pid);
      const left = children.filter(isWalsender);
      const archivers = children.filter(isArchiver);
      if (left.length === 0 && archivers.length === 0) return;
      // The stop has its own instants: a disk that hangs must not make them late.
      const control = await Promise.race([parts.readControl(), clock.sleep(controlLimitMs)]);
      const state = typeof control === 'object' ? control.state : null;
      if (state === 'shut down' || state === 'shut down in recovery') downMs ??= nowMs;
      if (left.length === 0) {
        if (downMs !== null && nowMs - downMs > archiverLimitMs) endCommands(archivers);
        return;
      }
      const mine = left.filter(isSuccessor);
      if (downMs !== null && mine.length < expected) confirmedMs ??= nowMs;
      const others = left.filter((child) => !isSuccessor(child));
      if (confirmedMs !== null && nowMs - confirmedMs > graceMs) return end(left, 'a successor has all there is');
      if (downMs !== null) {
        if (nowMs - downMs > othersLimitMs) end(others, 'its standby does not confirm the shutdown checkpoint');
        if (nowMs - downMs > successorsLimitMs) end(mine, 'its standby does not confirm the shutdown checkpoint');
        return;
      }
      if (nowMs - beganMs > (expected > 0 ? othersLimitMs : othersBeforeMs))
        end(others, 'it holds up the shutdown checkpoint');
      if (state === 'in production' && nowMs - beganMs > successorsBeforeMs)
        end(mine, 'it holds up the shutdown checkpoint');
    },
  };
}

const isArchiver = ({ commandLine, state }: ProcessInfo): boolean =>
  state !== 'dead' && /\barchiver\b/.test(commandLine);
const isWalsender = ({ commandLine, state }: ProcessInfo): boolean =>
  state !== 'dead' && /\bwalsender\b/.test(commandLine);
