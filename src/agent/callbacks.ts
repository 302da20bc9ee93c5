import { splitCommand } from '../codec/command.ts';
import type { Settings } from '../model/settings.ts';
import type { Processes } from '../model/world.ts';

export interface Callbacks {
  run(event: 'on_start' | 'on_stop' | 'on_restart' | 'on_reload' | 'on_role_change', role: string): void;
  stop(): void;
}

const limitMs = 3_600_000;

/** The operator's scripts: one at a time, a new one ends the one before; on_reload has a place of its own. Not waited for. */
export function makeCallbacks(processes: Processes, settings: () => Settings, note: (text: string) => void): Callbacks {
  const running = new Map<'main' | 'reload', AbortController>();
  let turn: Promise<void> = Promise.resolve();

  async function start(event: string, command: string, role: string, abort: AbortController): Promise<void> {
    const [program, ...args] = splitCommand(command);
    if (program === undefined || abort.signal.aborted) return;
    const finished = await processes.run(
      { program, args: [...args, event, role, settings().local.scope] },
      limitMs,
      abort.signal,
    );
    if (finished.kind === 'failed') note(`callback ${event} could not be started: ${finished.why}`);
    if (finished.kind === 'exited' && finished.code !== 0)
      note(`callback ${event} ended with exit code ${finished.code}: ${finished.stderr.slice(-300)}`);
  }

  return {
    run(event, role) {
      const command = settings().postgres.callbacks[event];
      if (command === undefined) return;
      const place = event === 'on_reload' ? 'reload' : 'main';
      running.get(place)?.abort();
      const abort = new AbortController();
      running.set(place, abort);
      const work = (): Promise<void> => start(event, command, role, abort);
      if (place === 'reload') void work();
      else turn = turn.then(work, work); // the one before is dead before the next begins
    },
    stop() {
      for (const abort of running.values()) abort.abort();
    },
  };
}
