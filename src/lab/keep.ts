import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleTexts } from '../model/moment.ts';
import { type Album, makeAlbum } from './album.ts';
import { makeDesk, serveControl } from './control.ts';
import { type Ending, makeEnding } from './ending.ts';
import { type Lab, type LabOptions, makeLab } from './lab.ts';
import { type LivePage, servePage } from './live/page.ts';
import { makePlayhouse } from './scenario/playhouse.ts';
import { watchLab } from './watch.ts';

/** Told to the command that waits for a lab in the background. */
export type Progress =
  | { readonly kind: 'says'; readonly line: string }
  | { readonly kind: 'up'; readonly dir: string; readonly pageUrl: string | null }
  | { readonly kind: 'failed'; readonly why: string };

/** How long three machines may take to become a cluster before a detached start is given up. */
export const healthyLimitMs = 180_000;

/** Keeps a lab on this terminal until Ctrl-C, `lab down`, or the end of the terminal. Exit code. */
export async function keepInForeground(options: LabOptions, rules: RuleTexts): Promise<number> {
  const ending = makeEnding();
  const say = (line: string): void => void process.stderr.write(`lab: ${line}\n`);
  return keep({ ...options, say }, { ending, fail: say, rules }, (lab, album, page) =>
    watchLab(lab, album, page, ending.ended),
  );
}

/** Keeps a lab without a terminal; the parent is told until the cluster is healthy, then let go. */
export async function keepInBackground(options: LabOptions, rules: RuleTexts): Promise<number> {
  const ending = makeEnding();
  const tell = (progress: Progress): void => void (process.connected && process.send?.(progress, () => {}));
  const letGo = (): void => ending.end('the command that started it is gone');
  process.on('disconnect', letGo);
  const say = (line: string): void => tell({ kind: 'says', line });
  const fail = (why: string): void => tell({ kind: 'failed', why });
  return keep({ ...options, say }, { ending, fail, rules }, async (lab, _album, page) => {
    await lab.waitHealthy(healthyLimitMs);
    process.removeListener('disconnect', letGo);
    tell({ kind: 'up', dir: lab.dir, pageUrl: page?.url ?? null });
    process.disconnect?.();
    await ending.ended;
  });
}

interface Keeping {
  readonly ending: Ending;
  readonly fail: (why: string) => void;
  /** What the agents' rules say. */
  readonly rules: RuleTexts;
}

async function keep(
  options: LabOptions,
  { ending, fail, rules }: Keeping,
  meanwhile: (lab: Lab, album: Album, page: LivePage | null) => Promise<void>,
): Promise<number> {
  let down: () => Promise<void> = async () => {};
  let endPage: () => Promise<void> = async () => {};
  let endPlay: () => Promise<void> = async () => {};
  let pageUrl: string | null = null;
  let code = 0;
  const crash = (error: unknown): void => {
    code = 1;
    fail(error instanceof Error ? error.message : String(error));
    ending.end('an error');
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  const work = async (): Promise<void> => {
    const lab = await makeLab({ ...options, keptBy: 'up', began: (end) => (down = end) });
    const album = makeAlbum();
    const noted = (line: string, by: 'you' | 'play', wall: string): void => {
      album.act(line, by, wall);
      appendFileSync(join(lab.dir, 'lab.log'), `${wall} ${by}: ${line}\n`);
    };
    const playhouse = makePlayhouse(lab, (line) => noted(line, 'play', new Date().toISOString()));
    endPlay = playhouse.end;
    const desk = makeDesk(lab, {
      done: (line, begunWall) => noted(line, 'you', begunWall),
      down: () => ending.end('lab down'),
      pageUrl: () => pageUrl,
      playhouse,
    });
    await serveControl(lab, desk);
    const page = await servePage(lab, { album, desk, playhouse, rules }, options.say ?? (() => {}));
    if (page !== null) endPage = page.end;
    pageUrl = page?.url ?? null;
    await meanwhile(lab, album, page);
  };
  const working = work().catch((error: unknown) => {
    if (!over) crash(error);
  });
  let over = false;
  await Promise.race([ending.ended, working]);
  over = true;
  await endPage();
  const played = endPlay(); // what it does to the lab fails as soon as that is gone
  await down();
  await played;
  await working;
  return code;
}
