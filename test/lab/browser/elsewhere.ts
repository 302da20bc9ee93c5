import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { childrenOf } from '../../../src/lab/procfs.ts';
import { until } from '../../../src/lab/run.ts';
import { contrastFailures } from '../contrast.ts';
import { args, type BrowserStage, executablePath } from './stage.ts';

/** On a phone, at an agent, and when nobody looks. */
export function elsewhere(stage: BrowserStage): void {
  const { album, problems, refusals, open, green, button, dir, leaderOn } = stage;

  test('narrow, by touch, light and dark: nothing sticks out, every text can be read', async () => {
    const phone = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    await green(phone);
    for (const on of [phone, stage.page]) {
      await on.locator('.scenarios summary').click();
      await on.locator('.parts summary').first().click();
    }
    const grounds: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const on of [phone, stage.page]) {
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

  test('an agent shows the same at /ui, to look at; when it is gone the page says so, and when it is back; who signs in switches over', async () => {
    const { machine } = stage.lab.node('node2');
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
      await stage.lab.node('node3').kill('agent');
      await there.locator('.link.lost').waitFor({ timeout: 5_000 });
      await stage.page.locator('.card', { hasText: 'no agent' }).waitFor({ timeout: 5_000 });
      const config = stage.lab.node('node3').machine.hostPath('/etc/postgresql/matriarch.yml');
      const login = 'restapi: { "authentication": { "username": "ops", "password": "secret" }, ';
      const text = readFileSync(config, 'utf8');
      assert.ok(text.includes('\nrestapi: { '));
      writeFileSync(config, text.replace('restapi: { ', login));
      await button('start agent on node3').click();
      await there.locator('.link.live').waitFor({ timeout: 20_000 });
      await green(there);
      // Signed in, it switches over, asked before: with a login that its agent has since it was started anew.
      await there.locator('.signin summary').click();
      await there.getByLabel('User').fill('ops');
      await there.getByLabel('Password').fill('secret');
      await there.getByRole('button', { name: 'Sign in' }).click();
      const old = await leaderOn(there);
      const to = ['node1', 'node2', 'node3'].find((name) => name !== old) ?? '';
      const asked = new Promise<string>((settle) => {
        there.once('dialog', (dialog) => {
          settle(dialog.message());
          void dialog.accept();
        });
      });
      await button(`Make ${to} the leader: switch over`, there).click();
      assert.equal(await asked, `Switch over to ${to}?`);
      for (const on of [there, stage.page])
        await on.locator('.card.leads h3', { hasText: to }).waitFor({ timeout: 20_000 });
      assert.equal(await there.getByRole('alert').count(), 0);
      await green(there);
      problems.splice(length); // what the browser says of a server that was not there
    } finally {
      await inside.close();
    }
    await green();
  });

  test('when nobody looks any more nothing is asked of anybody; who looks then is told also what the dead saw', async () => {
    await stage.page.close();
    const listening = (): number => childrenOf(process.pid).filter(({ name }) => name === 'cat').length;
    assert.ok(listening() > 0);
    const quiet = await until(() => (listening() === 0 ? true : null), 8_000, 100);
    assert.notEqual(quiet, null);
    const { leader } = await stage.lab.status();
    const old = stage.lab.node(leader ?? '');
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
}
