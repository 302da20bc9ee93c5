import { splitCommand } from '../codec/command.ts';
import type { Settings } from '../model/settings.ts';
import type { Command, World } from '../model/world.ts';

type Event = 'on_start' | 'on_stop' | 'on_restart' | 'on_reload' | 'on_role_change';

export interface Callbacks {
  /** `outlives`: the agent is about to end, and the script is not to end with it. */
  run(event: Event, role: string, options?: { readonly outlives?: boolean }): void;
  /** The agent ends: what is at work is waited for a moment, and then left to itself. */
  close(): Promise<void>;
}

const limitMs = 3_600_000;
const closeLimitMs = 2_000;

/** The operator's scripts: one at a time, a new one ends the one before; on_reload has a place of its own. Not waited for. */
export function makeCallbacks(
  world: Pick<World, 'processes' | 'clock'>,
  settings: () => Settings,
  note: (text: string) => void,
): Callbacks {
  const { processes, clock } = world;
  const running = new Map<'main' | 'reload', AbortController>();
  let turn: Promise<void> = Promise.resolve();
  let reloading: Promise<void> = Promise.resolve();

  async function start(event: Event, command: Command, outlives: boolean, abort: AbortController): Promise<void> {
    if (abort.signal.aborted) return;
    if (outlives) {
      const launched = await processes.launch(command, `${settings().local.stateDir}/callbacks.log`);
      if (launched.kind === 'failed') note(`callback ${event} could not be started: ${launched.why}`);
      return;
    }
    const finished = await processes.run(command, limitMs, abort.signal);
    if (finished.kind === 'failed') note(`callback ${event} could not be started: ${finished.why}`);
    if (finished.kind === 'exited' && finished.code !== 0)
      note(`callback ${event} ended with exit code ${finished.code}: ${finished.stderr.slice(-300)}`);
  }

  return {
    run(event, role, { outlives = false } = {}) {
      const [program, ...args] = splitCommand(settings().postgres.callbacks[event] ?? '');
      if (program === undefined) return;
      const command = { program, args: [...args, event, role, settings().local.scope] };
      const place = event === 'on_reload' ? 'reload' : 'main';
      running.get(place)?.abort();
      const abort = new AbortController();
      running.set(place, abort);
      const work = (): Promise<void> => start(event, command, outlives, abort);
      if (place === 'reload') reloading = work();
      else turn = turn.then(work, work); // the one before is dead before the next begins
    },
    close: () => Promise.race([Promise.allSettled([turn, reloading]).then(() => undefined), clock.sleep(closeLimitMs)]),
  };
}
