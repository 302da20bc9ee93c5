import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrowserStage } from './stage.ts';

/** What people do to the cluster, and scenarios. */
export function doneByButton(stage: BrowserStage): void {
  const { problems, forgetRefusal, green, button, leaderOn } = stage;

  test('switchover by button; what is refused is said', async () => {
    const old = await leaderOn();
    const to = ['node1', 'node2', 'node3'].find((name) => name !== old) ?? '';
    await button(`Make ${to} the leader: switch over`).click();
    await stage.page.locator('.card.leads h3', { hasText: to }).waitFor({ timeout: 20_000 });
    await green();
    const { length } = problems;
    await stage.lab.node(to).kill('agent');
    await button(`Make ${old} the leader: switch over`).click();
    await stage.page
      .getByRole('alert')
      .filter({ hasText: `the agent of ${to} gave no answer` })
      .waitFor({ timeout: 10_000 });
    await forgetRefusal(length);
    await button(`start agent on ${to}`).click();
    await stage.page.getByRole('alert').waitFor({ state: 'detached' }); // what went well takes its place
    await green();
  });

  test('a scenario is played step by step, judged, and its report opens; one that is stopped leaves nothing', async () => {
    const { length } = problems;
    const offers = stage.page.locator('.scenarios summary');
    await offers.click();
    const unfit = stage.page.locator('.unfit', { hasText: 'Not here: it needs 5 nodes: "matriarch lab up --nodes 5"' });
    assert.equal(await unfit.locator('.act').count(), 0);
    await button('play: A switchover by script').click();
    const play = stage.page.locator('.play');
    await play.locator('.now', { hasText: 'switchover to replica' }).waitFor({ timeout: 40_000 });
    await button('Pull the cable of client').click();
    await stage.page.getByRole('alert').filter({ hasText: '"A switchover by script" is being played' }).waitFor();
    await play.locator('.state.good', { hasText: 'passed' }).waitFor({ timeout: 60_000 });
    assert.equal(await play.locator('.done').count(), 2);
    await stage.page.locator('.flag', { hasText: 'switchover to replica' }).waitFor();
    const opened = stage.page.waitForEvent('popup');
    await stage.page.getByRole('link', { name: 'Open the report' }).click();
    const report = await opened;
    await report.getByRole('heading', { name: 'Matriarch, failure lab: 1 of 1 passed' }).waitFor();
    await report.close();

    await button('play: The cable out of the primary').click({ timeout: 60_000 });
    await play.locator('.now', { hasText: 'wait for another primary' }).waitFor({ timeout: 60_000 });
    await button('stop: The cable out of the primary').click();
    await play.locator('.state.warn', { hasText: /^stopped$/ }).waitFor({ timeout: 60_000 });
    const running = [...stage.lab.nodes, stage.lab.client].flatMap(({ machine }) =>
      machine.processes().map(({ argv }) => argv),
    );
    assert.deepEqual(
      running.filter((argv) => argv.includes('--history')),
      [],
      'neither clients nor witnesses',
    );
    assert.ok(stage.lab.nodes.every(({ machine }) => machine.isCabled()));
    await offers.click();
    await forgetRefusal(length);
    await green();
  });
}
