import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setClock } from '../../../src/lab/faults/clocks.ts';
import type { BrowserStage } from './stage.ts';

/** Why, and why not. */
export function askedWhy(stage: BrowserStage): void {
  const { green, button } = stage;

  test('why not: what keeps a node from being promoted now, by its own agent, or by another where that is dead', async () => {
    const { leader } = await stage.lab.status();
    const name = ['node1', 'node2', 'node3'].find((one) => one !== leader) ?? '';
    const card = (of: string) => stage.page.getByRole('article', { name: of });
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
    const clockSet = setClock(stage.lab.node(name), 3_600_000);
    await stage.lab.node(name).kill('agent');
    await clockSet;
    await setClock(stage.lab.node(name), 0);
    await whyNot.locator('summary').click();
    await whyNot.getByText(`Played by ${leader} `).waitFor({ timeout: 15_000 });
    await whyNot.locator('.against').first().waitFor();
    await whyNot.getByText('not known', { exact: true }).waitFor();
    await whyNot.locator('summary').click();
    await button(`start agent on ${name}`).click();
    await green();
  });

  test('any moment: an event tells what was decided then and which rules declined with what they would have said; by keys from one to the next', async () => {
    const { leader } = await stage.lab.status();
    const taken = stage.page
      .locator('.events li', { hasText: 'race.acquire' })
      .filter({ hasText: leader ?? '' })
      .first();
    const older = stage.page.getByRole('button', { name: /^Show \d+ older$/ });
    if ((await older.count()) > 0) await older.click(); // the list begins with the newest
    await taken.locator('> details > summary').click();
    await taken.locator('.passed summary').click();
    await taken.locator('.passed li').first().waitFor();
    const passed = await taken.locator('.passed li').allTextContents();
    assert.ok(passed.length > 3 && passed.every((line) => /^\S+ \w+ \w+/.test(line)), passed.join('\n'));
    await taken.locator('dt', { hasText: /^next$/ }).waitFor();

    const open = stage.page.locator('.events li > details[open]');
    assert.equal(await open.count(), 1);
    const before = await open.textContent();
    await stage.page.keyboard.press('ArrowDown'); // the summary of the rules is none of the list
    await taken.locator('> details > summary').focus();
    await stage.page.keyboard.press('ArrowDown');
    assert.equal(await open.count(), 1);
    assert.notEqual(await open.textContent(), before);
    await open
      .locator('dt', { hasText: /^(in force|passed over|next)$/ })
      .first()
      .waitFor();
    await stage.page.keyboard.press('ArrowUp');
    assert.equal(await taken.locator('> details').getAttribute('open'), '');
    await stage.page.keyboard.press('Enter');
    assert.equal(await open.count(), 0);

    // What people did is told of by all nodes; also of one without power, whose disk has its journal.
    const deed = stage.page.locator('.events li.deed', { hasText: 'plug out of' }).first();
    await deed.locator('> details > summary').click();
    await deed.locator('h3', { hasText: 'node3' }).waitFor();
    assert.equal(await deed.locator('h3').count(), 3);
    assert.ok((await deed.locator('dt', { hasText: 'in force' }).count()) === 3);
    await deed.locator('> details > summary').click();

    const other = ['node1', 'node2', 'node3'].find((one) => one !== leader) ?? '';
    await stage.lab.node(other).powerOff();
    const at = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    await stage.page.getByLabel('Why at').fill(at);
    await stage.page.getByRole('button', { name: 'Ask' }).click();
    const told = stage.page.getByRole('region', { name: 'What was decided then' });
    await told
      .locator('dd > code', { hasText: /^primary\./ })
      .first()
      .waitFor();
    assert.equal(await told.locator('dt', { hasText: 'in force' }).count(), 3);
    await stage.page.getByRole('button', { name: 'Close' }).click();
    await stage.lab.node(other).powerOn();
    // What etcd tells of it is of the time before.
    await stage.page.getByRole('article', { name: other }).locator('.state.good').waitFor({ timeout: 45_000 });
    await green();
  });

  test('a moment on the axis of the clients: by click and by keys, all nodes tell why; with a wrong clock as well, which is told', async () => {
    const told = stage.page.getByRole('region', { name: 'What was decided then' });
    const names = () => told.locator('h3').allTextContents();
    const field = stage.page.getByLabel('Why at');
    const agoMs = async (): Promise<number> => Date.now() - Date.parse(await field.inputValue());
    const reads = stage.page.getByRole('slider', { name: 'A moment of the reads: Enter asks why' });
    const box = await reads.boundingBox();
    assert.ok(box !== null);
    await reads.hover({ position: { x: box.width - 20, y: 10 } });
    await reads.getByText(/^Why at \d\d:\d\d:\d\d\?$/).waitFor();
    await reads.click({ position: { x: box.width - 20, y: 10 } });
    await told.locator('dt', { hasText: 'in force' }).nth(2).waitFor();
    assert.deepEqual(await names(), ['node1', 'node2', 'node3']);
    const clickedMs = await agoMs();
    await stage.page.getByRole('button', { name: 'Close' }).click();

    const writes = stage.page.getByRole('slider', { name: 'A moment of the writes: Enter asks why' });
    await writes.focus();
    for (const key of ['PageDown', 'PageDown', 'ArrowLeft']) await stage.page.keyboard.press(key);
    assert.equal(await writes.getAttribute('aria-valuenow'), '-21');
    await stage.page.keyboard.press('Enter');
    await told.locator('dt', { hasText: 'in force' }).nth(2).waitFor();
    const keyedMs = await agoMs();
    assert.ok(keyedMs >= 20_000 && keyedMs < 40_000, `${keyedMs} ms ago`);
    assert.ok(clickedMs > 0 && clickedMs < 60_000, `${clickedMs} ms ago`);
    await stage.page.getByRole('button', { name: 'Close' }).click();

    // What a node with a wrong clock tells stands where it belongs.
    const { leader } = await stage.lab.status();
    const name = ['node1', 'node2', 'node3'].find((one) => one !== leader) ?? '';
    const node = stage.lab.node(name);
    await setClock(node, -3_600_000);
    await node.kill('guardian');
    const line = stage.page.locator('.events li', { hasText: `${name} clock 1 h 00 min behind` }).first();
    await line.waitFor({ timeout: 15_000 });
    const when = (await line.locator('time').getAttribute('datetime')) ?? '';
    assert.ok(Math.abs(Date.now() - Date.parse(when)) < 30_000, `${Date.now() - Date.parse(when)} ms ago`);
    // By its instant: others may come above it at any moment.
    const itself = stage.page
      .locator('.events li', { has: stage.page.locator(`time[datetime="${when}"]`) })
      .filter({ hasText: name })
      .first();
    await itself.locator('> details > summary').click();
    await itself
      .locator('dt', { hasText: /^(in force|passed over|next)$/ })
      .first()
      .waitFor();
    await itself.locator('> details > summary').click();
    await setClock(node, 0);
    await green();
  });
}
