import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { startApi } from '../../src/api/server.ts';
import { lsn } from '../../src/model/units.ts';
import { fakeAgent } from '../api/handles.ts';
import { following, peer } from '../decide/values.ts';

const authentication = { username: 'u', password: 'pä' };
const executablePath = '/usr/bin/chromium';

/** The agent's own server and page in a real browser; behind them a small agent that notes down what it is asked for. */
describe('the page of an agent', () => {
  const agent = fakeAgent({ ...following, peers: [peer('n3', lsn('0/5000000'))] });
  const { local } = following.settings;
  const html = readFileSync(new URL('../../dist/live.html', import.meta.url), 'utf8');
  let browser: Browser;
  let api: Extract<Awaited<ReturnType<typeof startApi>>, { kind: 'ok' }>;

  before(async () => {
    const rest = { ...local.rest, authentication, listen: { host: '127.0.0.1', port: 0 } };
    const started = await startApi(agent, { ...local, rest }, { livePage: () => html });
    assert.equal(started.kind, 'ok');
    if (started.kind === 'ok') api = started;
    browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  });
  after(async () => {
    await browser?.close();
    await api?.close();
  });

  test('to look at until somebody signs in; then restart, reinit and pause, each asked before; signed out it is as before', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 700 } });
    const questions: string[] = [];
    let answer = false;
    page.on('dialog', (dialog) => {
      questions.push(dialog.message());
      void (answer ? dialog.accept() : dialog.dismiss());
    });
    await page.goto(`http://127.0.0.1:${api.port}/ui`);
    const card = page.getByRole('article', { name: local.name });
    await card.waitFor();
    assert.equal(await page.locator('.act').count(), 0);

    const signIn = async (password: string): Promise<void> => {
      await page.getByLabel('User').fill('u');
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await page.locator('.signin summary').click();
    await signIn('wrong');
    await page.getByRole('alert').filter({ hasText: 'not authenticated' }).waitFor();
    assert.equal(await page.locator('.act').count(), 0);
    await signIn(authentication.password);

    const restart = page.getByRole('button', { name: `restart PostgreSQL of ${local.name}` });
    await restart.click();
    assert.deepEqual([questions.length, agent.asked], [1, []], 'asked, and told no');
    answer = true;
    await restart.click();
    await page.getByRole('button', { name: `reinitialize ${local.name}` }).click();
    await page.getByRole('button', { name: 'pause the cluster' }).click();
    for (let tries = 0; agent.puts.length === 0 && tries < 100; tries++) await page.waitForTimeout(50);
    assert.deepEqual(
      agent.asked.map(({ kind }) => kind),
      ['restart', 'reinitialize'],
    );
    assert.equal(JSON.parse(agent.puts[0]?.text ?? '').pause, true);

    // Nothing that the browser would send by itself is left behind.
    const { status } = await page.request
      .post(`http://127.0.0.1:${api.port}/restart`)
      .then((one) => ({ status: one.status() }));
    assert.equal(status, 401);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('.signin summary').waitFor();
    assert.equal(await page.locator('.act').count(), 0);
    await page.close();
  });
});
