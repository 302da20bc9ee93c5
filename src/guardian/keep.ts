import {
  deadlineFile,
  disarmedState,
  guardFile,
  readGuardState,
  readIdentity,
  sentinelPidFile,
  writeDeadline,
  writeGuardState,
} from '../codec/guard.ts';
import type { GuardState } from '../model/guard.ts';
import type { ControlOutcome } from '../model/outcome.ts';
import type { World } from '../model/world.ts';
import type { Act } from './acts.ts';

/** Replaces a short text whole or not at all. It need not outlive the boot. */
export type Keep = (path: string, text: string, mode: number) => Promise<ControlOutcome>;

/** For whoever comes next, and for the sentinel. */
export async function writeState(keep: Keep, stateDir: string, state: GuardState): Promise<ControlOutcome> {
  const kept = await keep(guardFile(stateDir), writeGuardState(state), 0o600);
  return kept.kind === 'failed' ? kept : keep(deadlineFile(stateDir), writeDeadline(state), 0o600);
}

/** What the guardian before this one held, in this boot. */
export async function restoreState(
  files: World['files'],
  stateDir: string,
  mine: { readonly bootId: string; readonly dataDir: string },
  act: Act,
): Promise<GuardState> {
  const disarmed = disarmedState(mine.bootId, mine.dataDir);
  const read = await files.read(guardFile(stateDir));
  if (read.kind === 'absent' || (read.kind === 'text' && read.text === '')) return disarmed;
  const state = read.kind === 'text' ? readGuardState(read.text) : null;
  if (state !== null && state.bootId !== mine.bootId) return disarmed; // an instant of another boot means nothing
  if (state !== null && state.dataDir === mine.dataDir) return state;
  const why =
    read.kind === 'unreadable' ? read.why : state === null ? 'it holds no state' : `it is of ${state.dataDir}`;
  act('the state on disk cannot be used: not armed until the agent says so', [['why', why]]);
  return disarmed;
}

/** Whether the shell that watches from behind lives. */
export async function sentinelLives(world: Pick<World, 'files' | 'processes'>, stateDir: string): Promise<boolean> {
  const file = await world.files.read(sentinelPidFile(stateDir));
  const identity = file.kind === 'text' ? readIdentity(file.text) : null;
  const found = identity === null ? null : world.processes.describe(identity.pid);
  return found !== null && found.state !== 'dead' && found.startTicks === identity?.startTicks;
}
