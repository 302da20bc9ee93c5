import { type InstantMs, instantMs, type Pid } from '../model/units.ts';
import type { Cancel, Command, World } from '../model/world.ts';
import type { Act } from './acts.ts';

const restartsMax = 5;
const restartsWithinMs = 60_000;

export interface AgentWatch {
  /** The agent said hello. False: no such process. */
  watch(pid: Pid): boolean;
  /** The agent that started this guardian, which may be dead by now. */
  begin(pid: Pid): void;
  pid(): Pid | null;
  /** It ends on purpose: nobody is to be started again. */
  letGo(): void;
}

/** Sees the agent die, whoever its parent is, and starts it again if told how. PostgreSQL is no matter of this. */
export function makeAgentWatch(
  world: Pick<World, 'clock' | 'processes'>,
  parts: { readonly restart: Command | null; readonly logPath: string; readonly act: Act },
): AgentWatch {
  const { clock, processes } = world;
  let watched: Pid | null = null;
  let cancel: Cancel | null = null;
  let starts: readonly InstantMs[] = [];

  function letGo(): void {
    cancel?.();
    cancel = null;
    watched = null;
  }

  function watch(pid: Pid): boolean {
    const info = processes.describe(pid);
    if (info === null || info.state === 'dead') return false;
    letGo();
    watched = pid;
    cancel = processes.watchExit(pid, info.startTicks, () => died(pid));
    return true;
  }

  function died(pid: Pid): void {
    letGo();
    parts.act('the agent died', [['pid', pid]]);
    startAgain();
  }

  function startAgain(): void {
    if (parts.restart === null) return;
    const nowMs = clock.now();
    starts = starts.filter((atMs) => nowMs - atMs < restartsWithinMs);
    const oldest = starts[0];
    if (starts.length >= restartsMax && oldest !== undefined) {
      parts.act('the agent dies too often: its next start waits', [['starts', starts.length]]);
      cancel = clock.at(instantMs(oldest + restartsWithinMs), startAgain);
      return;
    }
    starts = [...starts, nowMs];
    void launch(parts.restart);
  }

  async function launch(command: Command): Promise<void> {
    const started = await processes.launch(command, parts.logPath);
    if (started.kind === 'failed') {
      parts.act('the agent could not be started', [['why', started.why]]);
      cancel = clock.at(instantMs(clock.now() + 1_000), startAgain);
      return;
    }
    parts.act('the agent was started again', [['pid', started.pid]]);
    // It may have died already, and another may have said hello meanwhile.
    if (watched === null && !watch(started.pid)) startAgain();
  }

  return {
    watch,
    begin(pid) {
      if (watched === null && !watch(pid)) died(pid); // another may have said hello already
    },
    letGo,
    pid: () => watched,
  };
}
