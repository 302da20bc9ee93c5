import type { Ctl } from './doors.ts';
import { readCluster } from './doors.ts';
import { type Format, membersText } from './members.ts';
import { localSecond } from './time.ts';

export interface ListOptions {
  readonly format: Format;
  readonly extended: boolean;
  readonly timestamp: boolean;
  /** Repeat this often; null: once. */
  readonly everyMs: number | null;
}

/** `list` and `topology`, of one cluster after another. */
export async function list(clusters: readonly Ctl[], options: ListOptions): Promise<void> {
  for (;;) {
    const [first] = clusters;
    if (first === undefined) return;
    const { terminal, clock } = first.doors;
    const texts = await Promise.all(
      clusters.map(async (ctl) => membersText(await readCluster(ctl), ctl.scope, options)),
    );
    // Everything was read before the screen is cleared: it does not flicker.
    if (options.everyMs !== null && terminal.isScreen) terminal.out('\u001b[2J\u001b[H');
    if (options.timestamp) terminal.out(`${localSecond(clock.wall())}\n`);
    terminal.out(texts.join(''));
    if (options.everyMs === null) return;
    await clock.sleep(options.everyMs);
  }
}
