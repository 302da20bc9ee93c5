// node scripts/pagePictures.mjs: runs a lab, breaks it, and takes the pictures of its live page for docs/.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dir = '/var/tmp/matriarch-pictures';
const desk = { width: 1240, height: 860 };
const phone = { width: 390, height: 780 };

lab('up', '--detach', '--dir', dir, '--port-base', '26000', '--ttl', '20');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const url = lab('page', '--dir', dir).trim();
  const light = await open({ viewport: desk, colorScheme: 'light' }, url);
  const dark = await open({ viewport: desk, colorScheme: 'dark' }, url);
  await light.waitForTimeout(20_000); // some traffic to be seen before the fault
  const leader = await light.locator('.card.leads h3').textContent();
  await light.getByRole('button', { name: `Pull the plug of ${leader}` }).click();
  await light.locator('.card.leads h3', { hasNotText: leader }).waitFor({ timeout: 90_000 });
  await light.locator('.legend', { hasText: /^Writes.*\d+\/s/ }).waitFor({ timeout: 60_000 });
  await light.waitForTimeout(14_000); // until the agents have asked each other again: what is foretold is by that
  await light.locator('.events summary', { hasText: 'race.acquire' }).first().click();
  await light.evaluate('scrollTo(0, 0)');
  await light.mouse.move(0, 0);
  await light.screenshot({ path: join(root, 'docs/page-light.png') });
  await light.getByRole('button', { name: `Plug the plug of ${leader}` }).click();
  await light.waitForTimeout(8_000);
  const next = await light.locator('.card.leads h3').textContent();
  await dark.getByRole('button', { name: `Pull the cable of ${next}` }).click();
  const third = dark.locator(`.card:not([aria-label="client"], [aria-label="${leader}"], [aria-label="${next}"])`);
  await third.locator('.parts summary').click();
  await third.getByRole('button', { name: /^slow the disk of etcd/ }).click();
  await dark.waitForTimeout(8_000);
  await dark.mouse.move(0, 0);
  await dark.screenshot({ path: join(root, 'docs/page-dark.png') });
  const narrow = await open({ viewport: phone, colorScheme: 'dark', hasTouch: true, isMobile: true }, url);
  await narrow.waitForTimeout(1_500);
  await narrow.screenshot({ path: join(root, 'docs/page-phone.png') });
} finally {
  await browser.close();
  lab('down', '--dir', dir);
}

async function open(look, url) {
  const page = await browser.newPage({ ...look, deviceScaleFactor: 1.5 });
  await page.goto(url);
  await page.locator('.verdict').waitFor();
  return page;
}

function lab(...args) {
  const { status, stdout } = spawnSync(join(root, 'bin/matriarch'), ['lab', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`lab ${args[0]} ended with ${status}`);
  return stdout;
}
