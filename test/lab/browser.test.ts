import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ruleTexts } from '../../src/decide/rules.ts';
import { makeAlbum } from '../../src/lab/album.ts';
import { makeDesk } from '../../src/lab/control.ts';
import { setClock } from '../../src/lab/faults/clocks.ts';
import { type Lab, makeLab } from '../../src/lab/lab.ts';
import { type LivePage, servePage } from '../../src/lab/live/page.ts';
import { childrenOf } from '../../src/lab/procfs.ts';
import { until } from '../../src/lab/run.ts';
import { makePlayhouse, type Playhouse } from '../../src/lab/scenario/playhouse.ts';
import { contrastFailures } from './contrast.ts';
import { lastingTraces } from './traces.ts';

const options = { skip: process.getuid?.() === 0 ? false : 'machines of namespaces need root' };
const portBase = 25_000 + (process.pid % 900);
const executablePath = '/usr/bin/chromium';
const args = ['--no-sandbox']; // the tests are root, whom Chromium does not put into a sandbox

/** In a real browser, on a real lab; one after the other, each begins and ends green. */
describe('the live page', options, () => {
  const dir = mkdtempSync('/var/tmp/matriarch-page-');
  const album = makeAlbum();
  const problems: string[] = [];
  const refusals: string[] = [];
  let lab: Lab;
  let served: LivePage;
  let playhouse: Playhouse;
  let browser: Browser;
  let page: Page;

  before(async () => {
    rmSync(dir, { recursive: true });
    lab = await makeLab({ dir, portBase, ttlS: 6, traffic: true, fakeClocks: true });
    playhouse = makePlayhouse(lab, (line) => album.act(line, 'play'));
    const desk = makeDesk(lab, { asked: album.act, down: () => {}, pageUrl: () => null, playhouse });
    const opened = await servePage(lab, { album, desk, playhouse, rules: ruleTexts }, (line) => problems.push(line));
    assert.ok(opened !== null, problems.join());
    served = opened;
    browser = await chromium.launch({ executablePath, args });
    page = await open({ viewport: { width: 1280, height: 900 } });
  });
  after(async () => {
    await browser?.close();
    await served?.end();
    const played = playhouse?.end();
    await lab?.down();
    await played;
    assert.deepEqual(await lastingTraces(dir), []);
  });

  async function open(look: Parameters<Browser['newPage']>[0], url = served.url, from = browser): Promise<Page> {
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
  /** The browser's own word on it, which may come a moment later. */
  const forgetRefusal = async (before: number): Promise<void> => {
    await until(() => (problems.length > before ? true : null), 5_000);
    problems.splice(before);
  };
  const verdict = (tone: string, on = page) => on.locator(`.verdict.${tone}`);
  const green = (on = page): Promise<void> => verdict('good', on).waitFor({ timeout: 45_000 });
  const writesFlow = (): Promise<void> =>
    page.locator('.legend', { hasText: /^Writes.*[1-9]\d*\/s/ }).waitFor({ timeout: 30_000 });
  const button = (name: string | RegExp, on = page) => on.getByRole('button', { name, exact: true });
  const leaderOn = async (on = page): Promise<string> =>
    (await on.locator('.card.leads h3').textContent({ timeout: 30_000 })) ?? '';

  test('opened on a fresh lab it turns green by itself: small, quick, one file', async () => {
    const bodyText = await (await fetch(new URL('/', served.url))).text();
    const script = /<script>([\s\S]*)<\/script>/.exec(bodyText)?.[1] ?? '';
    const sizeBytes = gzipSync(script).length;
    assert.ok(sizeBytes > 5_000 && sizeBytes <= 60_000, `${sizeBytes} bytes of compressed script`);
    await green();
    assert.deepEqual(await page.locator('.machine h3').allTextContents(), ['node1', 'node2', 'node3', 'client']);
    await page.locator('.legend', { hasText: /^Writes.*\d+\/s/ }).waitFor({ timeout: 20_000 });
    await page.locator('.services .running', { hasText: 'etcd' }).filter({ hasText: 'leader' }).waitFor();
    const paintMs = await page.evaluate<number | undefined>(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime",
    );
    await page.getByText(/^If node\d died now: node\d( or node\d)? in about \d+\.\d s, \S+ \w+ at risk$/).waitFor();
    assert.ok(paintMs !== undefined && paintMs < 1_000, `first paint after ${paintMs} ms`);
  });

  test('what changes is there within 200 ms, pushed', async () => {
    const took: number[] = [];
    for (let nth = 0; nth < 5; nth++) {
      for (const deed of ['freeze', 'thaw'] as const) {
        await lab.node('node3')[deed]('guardian');
        const saidMs = performance.now();
        await button(`${deed === 'freeze' ? 'thaw' : 'freeze'} guardian on node3`).waitFor();
        took.push(performance.now() - saidMs);
      }
    }
    took.sort((a, b) => a - b);
    // The machine may be busy with other things at any moment: the quicker half counts.
    assert.ok((took[4] ?? 999) < 200, `half of them within ${took[4]} ms; all: ${took.map(Math.round).join(', ')}`);
  });

  test('a foreign origin, a foreign host and a missing key are refused, and nothing happens', async () => {
    const { port, hash } = new URL(served.url);
    const origin = `http://localhost:${port}`;
    const host = `localhost:${port}`;
    const key = hash.slice(1);
    const ask = (headers: Record<string, string>, method = 'POST', path = '/ui/do'): Promise<number> =>
      new Promise((settle, fail) => {
        const asked = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
          answer.resume();
          settle(answer.statusCode ?? 0);
        });
        asked.on('error', fail).end(method === 'POST' ? JSON.stringify({ deed: 'powerOff', node: 'node3' }) : '');
      });
    assert.equal(await ask({ host }, 'GET', '//'), 404, 'what is no address of a page is answered, too');
    assert.equal(await ask({ host, origin: 'http://evil.example', 'x-lab-key': key }), 403);
    assert.equal(await ask({ host, 'x-lab-key': key }), 403);
    assert.equal(await ask({ host, origin }), 403);
    assert.equal(await ask({ host, origin, 'x-lab-key': 'x'.repeat(key.length) }), 403);
    assert.equal(
      await ask({ host: `evil.example:${port}`, origin: `http://evil.example:${port}`, 'x-lab-key': key }),
      403,
    );
    assert.equal(await ask({ host: `evil.example:${port}` }, 'GET', '/ui/stream'), 403);
    assert.ok(lab.node('node3').machine.isOn());
    assert.deepEqual(
      album.all().filter(({ kind }) => kind === 'deed'),
      [],
    );
    const watcher = await open({}, served.url.replace(/#.*/, ''));
    await green(watcher);
    assert.equal(await watcher.locator('.act').count(), 0, 'without the key there are no buttons');
    await watcher.close();
  });

  test('plug of the primary pulled: another leads, the gap is marked, the reason is there; plugged in, all is green', async () => {
    const other = await open({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' });
    await green(other);
    // Where nothing was written before there is no gap: HAProxy lets nobody in before its second check.
    await writesFlow();
    const old = await leaderOn();
    await button(`Pull the plug of ${old}`).click();
    for (const on of [page, other]) {
      await on.locator('.card.leads h3', { hasNotText: old }).waitFor({ timeout: 30_000 });
      await on.locator('.gap[aria-label^="Writes stood still"]').first().waitFor({ timeout: 10_000 });
      await on.locator('.flag', { hasText: `plug out of ${old}` }).waitFor();
    }
    const next = await leaderOn();
    assert.equal(await leaderOn(other), next, 'two pages tell the same');
    const taken = page.locator('.events summary', { hasText: 'race.acquire' }).filter({ hasText: next }).first();
    await taken.click();
    const why = (await taken.locator('..').locator('dl').first().textContent()) ?? '';
    assert.match(why, /because/);
    assert.match(why, /acquireLeaderKey/);
    await taken.click();
    await verdict('warn').waitFor();
    await button(`Plug the plug of ${old} in again`, other).click();
    await green();
    await green(other);
    await writesFlow();
    await other.close();
  });

  test('with nothing but the keyboard: the way there, the deed, and the focus stays', async () => {
    await page.locator('body').click({ position: { x: 2, y: 2 } });
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the events');
    const focused = (): Promise<string | null> => page.evaluate("document.activeElement.getAttribute('aria-label')");
    const wanted = 'freeze etcd on node2';
    for (let presses = 0; (await focused()) !== wanted; presses++) {
      assert.ok(presses < 60, 'the button is within reach');
      await page.keyboard.press('Tab');
    }
    assert.notEqual(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none');
    await page.keyboard.press('Enter');
    await page.locator('.services .frozen', { hasText: 'etcd' }).waitFor();
    assert.equal(await focused(), 'thaw etcd on node2');
    await page.keyboard.press('Space');
    await page.locator('.services .frozen').waitFor({ state: 'detached' });
    assert.equal(await focused(), wanted);
    await green();
  });

  test('every core is taken from a machine, and it is seen; relieved it is as before', async () => {
    await button('saturate the cores of client').click();
    await page.locator('.client .saturated').waitFor();
    assert.equal((await lab.status()).machines.find(({ name }) => name === 'client')?.saturated, true);
    await button('relieve the cores of client').click();
    await page.locator('.client .saturated').waitFor({ state: 'detached' });
    await green();
  });

  test('deaf, mute, a full disk, slow ones and a wrong clock: made, seen on the machine, and mended by buttons', async () => {
    const { leader } = await lab.status();
    const name = ['node1', 'node2', 'node3'].find((one) => one !== leader) ?? '';
    const card = page.getByRole('article', { name });
    const summary = card.locator('.parts summary');
    const parts = async (): Promise<(string | null)[]> =>
      (await lab.status()).machines.find((one) => one.name === name)?.parts.map(({ hurt }) => hurt) ?? [];
    assert.equal(await summary.textContent(), 'More faults');
    await summary.click();
    // By the keyboard: the remedy stands where the fault stood, with the focus.
    await button(`deafen ${name}`).focus();
    await page.keyboard.press('Enter');
    await button(`mend the cable of ${name}`).waitFor();
    assert.deepEqual(await parts(), ['deaf', null, null, null, null]);
    await card.locator('.state.bad', { hasText: /, deaf$/ }).waitFor();
    await page.locator('.machine', { has: card }).locator('.cable.hurt').waitFor();
    await summary.filter({ hasText: /^deaf$/ }).waitFor();
    await verdict('warn').waitFor({ timeout: 30_000 }); // its word does not come through any more, nor the leader's
    await button(`mend the cable of ${name}`).click();
    await summary.filter({ hasText: /^More faults$/ }).waitFor();
    await green();

    const hurts = [
      [`mute ${name}`, `mend the cable of ${name}`, 'mute'],
      [`slow the disk of etcd on ${name}`, `hasten the disk of etcd on ${name}`, "etcd's disk slow"],
      [`hang the disk of PostgreSQL on ${name}`, `let go the disk of PostgreSQL on ${name}`, "PostgreSQL's disk hangs"],
      [`fill the disk of ${name}`, `free the disk of ${name}`, 'disk full'],
      [`an hour ahead: the clock of ${name}`, `set right the clock of ${name}`, 'clock 1 h ahead'],
      [`an hour back: the clock of ${name}`, `set right the clock of ${name}`, 'clock 1 h behind'],
    ] as const;
    for (const [fault, remedy, told] of hurts) {
      await button(fault).click();
      await summary.filter({ hasText: told }).waitFor({ timeout: 30_000 });
      assert.equal((await parts()).filter((hurt) => hurt !== null).length, 1, told);
      await button(remedy).click();
      await summary.filter({ hasText: /^More faults$/ }).waitFor({ timeout: 30_000 });
      assert.deepEqual(await parts(), [null, null, null, null, null]);
    }
    await summary.click();
    assert.equal(await page.getByRole('alert').count(), 0);
    await green();
  });

  test('why not: what keeps a node from being promoted now, by its own agent, or by another where that is dead', async () => {
    const { leader } = await lab.status();
    const name = ['node1', 'node2', 'node3'].find((one) => one !== leader) ?? '';
    const card = (of: string) => page.getByRole('article', { name: of });
    assert.equal(
      await card(leader ?? '')
        .locator('.whynot')
        .count(),
      0,
      'who leads is not asked',
    );
    const whyNot = card(name).locator('.whynot');
    await whyNot.locator('summary').click();
    await whyNot.getByText(new RegExp(`^Without ${leader}: node\\d( or node\\d)? takes over`)).waitFor();
    await whyNot.getByText(`Played by ${name} `).waitFor();
    await whyNot.locator('summary').click();
    // Whoever waits for a clock to be taken does not wait for an agent that has ended, nor do those behind: it would never come.
    const clockSet = setClock(lab.node(name), 3_600_000);
    await lab.node(name).kill('agent');
    await clockSet;
    await setClock(lab.node(name), 0);
    await whyNot.locator('summary').click();
    await whyNot.getByText(`Played by ${leader} `).waitFor({ timeout: 15_000 });
    await whyNot.locator('.against').first().waitFor();
    await whyNot.getByText('not known', { exact: true }).waitFor();
    await whyNot.locator('summary').click();
    await button(`start agent on ${name}`).click();
    await green();
  });

  test('any moment: an event tells what was decided then and which rules declined with what they would have said; by keys from one to the next', async () => {
    const { leader } = await lab.status();
    const taken = page
      .locator('.events li', { hasText: 'race.acquire' })
      .filter({ hasText: leader ?? '' })
      .first();
    const older = page.getByRole('button', { name: /^Show \d+ older$/ });
    if ((await older.count()) > 0) await older.click(); // the list begins with the newest
    await taken.locator('> details > summary').click();
    await taken.locator('.passed summary').click();
    await taken.locator('.passed li').first().waitFor();
    const passed = await taken.locator('.passed li').allTextContents();
    assert.ok(passed.length > 3 && passed.every((line) => /^\S+ \w+ \w+/.test(line)), passed.join('\n'));
    await taken.locator('dt', { hasText: /^next$/ }).waitFor();

    const open = page.locator('.events li > details[open]');
    assert.equal(await open.count(), 1);
    const before = await open.textContent();
    await page.keyboard.press('ArrowDown'); // the summary of the rules is none of the list
    await taken.locator('> details > summary').focus();
    await page.keyboard.press('ArrowDown');
    assert.equal(await open.count(), 1);
    assert.notEqual(await open.textContent(), before);
    await open
      .locator('dt', { hasText: /^(in force|passed over|next)$/ })
      .first()
      .waitFor();
    await page.keyboard.press('ArrowUp');
    assert.equal(await taken.locator('> details').getAttribute('open'), '');
    await page.keyboard.press('Enter');
    assert.equal(await open.count(), 0);

    // What people did is told of by all nodes; also of one without power, whose disk has its journal.
    const deed = page.locator('.events li.deed', { hasText: 'plug out of' }).first();
    await deed.locator('> details > summary').click();
    await deed.locator('h3', { hasText: 'node3' }).waitFor();
    assert.equal(await deed.locator('h3').count(), 3);
    assert.ok((await deed.locator('dt', { hasText: 'in force' }).count()) === 3);
    await deed.locator('> details > summary').click();

    const other = ['node1', 'node2', 'node3'].find((one) => one !== leader) ?? '';
    await lab.node(other).powerOff();
    const at = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    await page.getByLabel('Why at').fill(at);
    await page.getByRole('button', { name: 'Ask' }).click();
    const told = page.getByRole('region', { name: 'What was decided then' });
    await told
      .locator('dd > code', { hasText: /^primary\./ })
      .first()
      .waitFor();
    assert.equal(await told.locator('dt', { hasText: 'in force' }).count(), 3);
    await page.getByRole('button', { name: 'Close' }).click();
    await lab.node(other).powerOn();
    // What etcd tells of it is of the time before.
    await page.getByRole('article', { name: other }).locator('.state.good').waitFor({ timeout: 45_000 });
    await green();
  });

  test('switchover by button; what is refused is said', async () => {
    const old = await leaderOn();
    const to = ['node1', 'node2', 'node3'].find((name) => name !== old) ?? '';
    await button(`Make ${to} the leader: switch over`).click();
    await page.locator('.card.leads h3', { hasText: to }).waitFor({ timeout: 20_000 });
    await green();
    const { length } = problems;
    await lab.node(to).kill('agent');
    await button(`Make ${old} the leader: switch over`).click();
    await page
      .getByRole('alert')
      .filter({ hasText: `the agent of ${to} gave no answer` })
      .waitFor({ timeout: 10_000 });
    await forgetRefusal(length);
    await button(`start agent on ${to}`).click();
    await page.getByRole('alert').waitFor({ state: 'detached' }); // what went well takes its place
    await green();
  });

  test('a scenario is played step by step, judged, and its report opens; one that is stopped leaves nothing', async () => {
    const { length } = problems;
    const offers = page.locator('.scenarios summary');
    await offers.click();
    const unfit = page.locator('.unfit', { hasText: 'Not here: it needs 5 nodes: "matriarch lab up --nodes 5"' });
    assert.equal(await unfit.locator('.act').count(), 0);
    await button('play: A switchover by script').click();
    const play = page.locator('.play');
    await play.locator('.now', { hasText: 'switchover to replica' }).waitFor({ timeout: 40_000 });
    await button('Pull the cable of client').click();
    await page.getByRole('alert').filter({ hasText: '"A switchover by script" is being played' }).waitFor();
    await play.locator('.state.good', { hasText: 'passed' }).waitFor({ timeout: 60_000 });
    assert.equal(await play.locator('.done').count(), 2);
    await page.locator('.flag', { hasText: 'switchover to replica' }).waitFor();
    const opened = page.waitForEvent('popup');
    await page.getByRole('link', { name: 'Open the report' }).click();
    const report = await opened;
    await report.getByRole('heading', { name: 'Matriarch, failure lab: 1 of 1 passed' }).waitFor();
    await report.close();

    await button('play: The cable out of the primary').click({ timeout: 60_000 });
    await play.locator('.now', { hasText: 'wait for another primary' }).waitFor({ timeout: 60_000 });
    await button('stop: The cable out of the primary').click();
    await play.locator('.state.warn', { hasText: /^stopped$/ }).waitFor({ timeout: 60_000 });
    const running = [...lab.nodes, lab.client].flatMap(({ machine }) => machine.processes().map(({ argv }) => argv));
    assert.deepEqual(
      running.filter((argv) => argv.includes('--history')),
      [],
      'neither clients nor witnesses',
    );
    assert.ok(lab.nodes.every(({ machine }) => machine.isCabled()));
    await offers.click();
    await forgetRefusal(length);
    await green();
  });

  test('narrow, by touch, light and dark: nothing sticks out, every text can be read', async () => {
    const phone = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    await green(phone);
    for (const on of [phone, page]) {
      await on.locator('.scenarios summary').click();
      await on.locator('.parts summary').first().click();
    }
    const grounds: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const on of [phone, page]) {
        await on.emulateMedia({ colorScheme });
        const width = await on.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]');
        assert.ok((width[0] ?? 0) <= (width[1] ?? 0), `${width[0]} in ${width[1]}`);
        assert.deepEqual(await on.evaluate(contrastFailures), []);
      }
      grounds.push(await phone.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor'));
    }
    assert.notEqual(grounds[0], grounds[1]);
    const cable = button('Pull the cable of client', phone);
    const box = await cable.boundingBox();
    assert.ok(box !== null && box.height >= 44 && box.width >= 44, 'large enough for a finger');
    await cable.tap();
    await button('Plug the cable of client in again', phone).tap({ timeout: 10_000 });
    await button('Pull the cable of client', phone).waitFor();
    await phone.close();
  });

  test('an agent shows the same at /ui, to look at; when it is gone the page says so, and when it is back', async () => {
    const { machine } = lab.node('node2');
    // A browser of its own in the machine's network, since the host has no way there.
    const wrapper = `${dir}/chromium-there`;
    writeFileSync(wrapper, `#!/bin/sh\nexec ${machine.onItsNetwork([executablePath]).join(' ')} "$@"\n`);
    chmodSync(wrapper, 0o755);
    const inside = await chromium.launch({ executablePath: wrapper, args });
    try {
      const there = await open({}, 'http://10.77.0.13:8008/ui', inside);
      await green(there);
      assert.deepEqual(await there.locator('.machine h3').allTextContents(), ['node1', 'node2', 'node3']);
      assert.equal(await there.locator('.act').count(), 0);
      await there.getByText(/^If node\d died now: /).waitFor();
      assert.equal(await there.locator('.events summary').first().isVisible(), true);
      const { length } = problems;
      await lab.node('node3').kill('agent');
      await there.locator('.link.lost').waitFor({ timeout: 5_000 });
      await page.locator('.card', { hasText: 'no agent' }).waitFor({ timeout: 5_000 });
      await button('start agent on node3').click();
      await there.locator('.link.live').waitFor({ timeout: 20_000 });
      await green(there);
      problems.splice(length); // what the browser says of a server that was not there
    } finally {
      await inside.close();
    }
    await green();
  });

  test('when nobody looks any more nothing is asked of anybody; who looks then is told also what the dead saw', async () => {
    await page.close();
    const listening = (): number => childrenOf(process.pid).filter(({ name }) => name === 'cat').length;
    assert.ok(listening() > 0);
    const quiet = await until(() => (listening() === 0 ? true : null), 8_000, 100);
    assert.notEqual(quiet, null);
    const { leader } = await lab.status();
    const old = lab.node(leader ?? '');
    const sinceWall = new Date().toISOString();
    const told = (): boolean => album.all().some(({ node, wall }) => node === old.name && wall > sinceWall);
    await old.kill('guardian');
    await until(() => (old.process('guardian') === null ? null : true), 5_000);
    await new Promise((done) => setTimeout(done, 500)); // until its agent has written it down
    await old.kill('agent');
    await old.powerOff();
    assert.equal(told(), false);
    const again = await open({});
    await again.locator('.card.leads h3', { hasNotText: old.name }).waitFor({ timeout: 30_000 });
    assert.equal(told(), true);
    await again.close();
    assert.deepEqual(
      problems,
      [],
      `no error in any page, and nothing asked of any other host; all that was refused: ${refusals.join('; ')}; in the page: ${problems.join('; ')}`,
    );
  });
});
