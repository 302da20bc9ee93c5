import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, before } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ruleTexts } from '../../../src/decide/rules.ts';
import { type Album, makeAlbum } from '../../../src/lab/album.ts';
import { makeDesk } from '../../../src/lab/control.ts';
import { type Lab, makeLab } from '../../../src/lab/lab.ts';
import { type LivePage, servePage } from '../../../src/lab/live/page.ts';
import { until } from '../../../src/lab/run.ts';
import { makePlayhouse, type Playhouse } from '../../../src/lab/scenario/playhouse.ts';
import { lastingTraces } from '../traces.ts';

export const executablePath = '/usr/bin/chromium';
export const args = ['--no-sandbox']; // the tests are root, whom Chromium does not put into a sandbox

const portBase = 25_000 + (process.pid % 900);

export type BrowserStage = ReturnType<typeof makeBrowserStage>;

/** One lab, its page in one browser, for all tests of a suite; made before the first, gone after the last. */
export function makeBrowserStage() {
  const dir = mkdtempSync('/var/tmp/matriarch-page-');
  const album: Album = makeAlbum();
  const problems: string[] = [];
  const refusals: string[] = [];
  let made: { readonly lab: Lab; readonly served: LivePage; readonly playhouse: Playhouse } | null = null;
  let shown: { readonly browser: Browser; readonly page: Page } | null = null;

  before(async () => {
    rmSync(dir, { recursive: true });
    const lab = await makeLab({ dir, portBase, ttlS: 6, traffic: true, fakeClocks: true });
    const playhouse = makePlayhouse(lab, (line) => album.act(line, 'play'));
    const done = (line: string, begunWall: string): void => album.act(line, 'you', begunWall);
    const desk = makeDesk(lab, { done, down: () => {}, pageUrl: () => null, playhouse });
    const served = await servePage(lab, { album, desk, playhouse, rules: ruleTexts }, (line) => problems.push(line));
    assert.ok(served !== null, problems.join());
    made = { lab, served, playhouse };
    const browser = await chromium.launch({ executablePath, args });
    shown = { browser, page: await open({ viewport: { width: 1280, height: 900 } }, served.url, browser) };
  });
  after(async () => {
    await shown?.browser.close();
    await made?.served.end();
    const played = made?.playhouse.end();
    await made?.lab.down();
    await played;
    assert.deepEqual(await lastingTraces(dir), []);
  });

  const there = () => made ?? assert.fail('no lab was made');
  const browsed = () => shown ?? assert.fail('no browser was started');

  async function open(look: Parameters<Browser['newPage']>[0], url = there().served.url, from = browsed().browser) {
    const opened = await from.newPage(look);
    opened.on('pageerror', (error) => problems.push(error.message));
    opened.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    // The console has the status alone.
    opened.on('response', async (answer) => {
      if (answer.status() < 400) return;
      const why = await answer.text().catch(() => '');
      refusals.push(`${answer.request().postData() ?? answer.url()}: ${answer.status()} ${why}`.trim());
    });
    opened.on('request', (asked) => {
      if (new URL(asked.url()).host !== new URL(url).host) problems.push(`asked for ${asked.url()}`);
    });
    await opened.goto(url);
    return opened;
  }
  const verdict = (tone: string, on = browsed().page) => on.locator(`.verdict.${tone}`);
  return {
    dir,
    album,
    /** What a browser complained of, and what it asked of any other host. */
    problems,
    /** What was refused, with the reason. */
    refusals,
    get lab(): Lab {
      return there().lab;
    },
    get served(): LivePage {
      return there().served;
    },
    get page(): Page {
      return browsed().page;
    },
    open,
    /** The browser's own word on it, which may come a moment later. */
    async forgetRefusal(before: number): Promise<void> {
      await until(() => (problems.length > before ? true : null), 5_000);
      problems.splice(before);
    },
    verdict,
    green: (on?: Page): Promise<void> => verdict('good', on).waitFor({ timeout: 45_000 }),
    writesFlow: (): Promise<void> =>
      browsed()
        .page.locator('.legend', { hasText: /^Writes.*[1-9]\d*\/s/ })
        .waitFor({ timeout: 30_000 }),
    button: (name: string | RegExp, on = browsed().page) => on.getByRole('button', { name, exact: true }),
    leaderOn: async (on = browsed().page): Promise<string> =>
      (await on.locator('.card.leads h3').textContent({ timeout: 30_000 })) ?? '',
  };
}
