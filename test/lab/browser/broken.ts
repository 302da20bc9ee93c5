import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrowserStage } from './stage.ts';

/** What is broken and mended by buttons. */
export function brokenByButton(stage: BrowserStage): void {
  const { open, verdict, green, writesFlow, button, leaderOn } = stage;

  test('plug of the primary pulled: another leads, the gap is marked, the reason is there; plugged in, all is green', async () => {
    const other = await open({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' });
    await green(other);
    // Where nothing was written before there is no gap: HAProxy lets nobody in before its second check.
    await writesFlow();
    const old = await leaderOn();
    await button(`Pull the plug of ${old}`).click();
    for (const on of [stage.page, other]) {
      await on.locator('.card.leads h3', { hasNotText: old }).waitFor({ timeout: 30_000 });
      await on.locator('.gap[aria-label^="Writes stood still"]').first().waitFor({ timeout: 10_000 });
      await on.locator('.flag', { hasText: `plug out of ${old}` }).waitFor();
    }
    const next = await leaderOn();
    assert.equal(await leaderOn(other), next, 'two pages tell the same');
    const taken = stage.page.locator('.events summary', { hasText: 'race.acquire' }).filter({ hasText: next }).first();
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
    await stage.page.locator('body').click({ position: { x: 2, y: 2 } });
    await stage.page.keyboard.press('Tab');
    assert.equal(await stage.page.evaluate('document.activeElement.textContent'), 'Skip to the events');
    const focused = (): Promise<string | null> =>
      stage.page.evaluate("document.activeElement.getAttribute('aria-label')");
    const wanted = 'freeze etcd on node2';
    for (let presses = 0; (await focused()) !== wanted; presses++) {
      assert.ok(presses < 60, 'the button is within reach');
      await stage.page.keyboard.press('Tab');
    }
    assert.notEqual(await stage.page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none');
    await stage.page.keyboard.press('Enter');
    await stage.page.locator('.services .frozen', { hasText: 'etcd' }).waitFor();
    assert.equal(await focused(), 'thaw etcd on node2');
    await stage.page.keyboard.press('Space');
    await stage.page.locator('.services .frozen').waitFor({ state: 'detached' });
    assert.equal(await focused(), wanted);
    await green();
  });

  test('every core is taken from a machine, and it is seen; relieved it is as before', async () => {
    await button('saturate the cores of client').click();
    await stage.page.locator('.client .saturated').waitFor();
    assert.equal((await stage.lab.status()).machines.find(({ name }) => name === 'client')?.saturated, true);
    await button('relieve the cores of client').click();
    await stage.page.locator('.client .saturated').waitFor({ state: 'detached' });
    await green();
  });

  test('deaf, mute, a full disk, slow ones, no connection left and a wrong clock: made, seen on the machine, and mended by buttons', async () => {
    const { leader } = await stage.lab.status();
    const name = ['node1', 'node2', 'node3'].find((one) => one !== leader) ?? '';
    const card = stage.page.getByRole('article', { name });
    const summary = card.locator('.parts summary');
    const parts = async (): Promise<(string | null)[]> =>
      (await stage.lab.status()).machines.find((one) => one.name === name)?.parts.map(({ hurt }) => hurt) ?? [];
    assert.equal(await summary.textContent(), 'More faults');
    await summary.click();
    // By the keyboard: the remedy stands where the fault stood, with the focus.
    await button(`deafen ${name}`).focus();
    await stage.page.keyboard.press('Enter');
    await button(`mend the cable of ${name}`).waitFor();
    assert.deepEqual(await parts(), ['deaf', null, null, null, null, null]);
    await card.locator('.state.bad', { hasText: /, deaf$/ }).waitFor();
    await stage.page.locator('.machine', { has: card }).locator('.cable.hurt').waitFor();
    await summary.filter({ hasText: /^deaf$/ }).waitFor();
    await verdict('warn').waitFor({ timeout: 30_000 }); // its word does not come through any more, nor the leader's
    await button(`mend the cable of ${name}`).click();
    await summary.filter({ hasText: /^More faults$/ }).waitFor();
    await green();

    const hurts = [
      [`mute ${name}`, `mend the cable of ${name}`, 'mute'],
      [`slow the disk of etcd on ${name}`, `hasten the disk of etcd on ${name}`, "etcd's disk slow"],
      [`hang the disk of PostgreSQL on ${name}`, `let go the disk of PostgreSQL on ${name}`, "PostgreSQL's disk hangs"],
      [`use up the connections of ${name}`, `give back the connections of ${name}`, 'connections used up'],
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
      assert.deepEqual(await parts(), [null, null, null, null, null, null]);
    }
    await summary.click();
    assert.equal(await stage.page.getByRole('alert').count(), 0);
    await green();
  });
}
