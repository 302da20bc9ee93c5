import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { makeWatchdog } from '../../src/world/watchdog.ts';

const home = mkdtempSync('/tmp/watchdog-');
after(() => rmSync(home, { recursive: true, force: true }));

/** A device that takes timeouts only in steps of ten seconds, as real ones may. */
const standIn = (_: number, request: number, argument: Int32Array) => {
  if (request === 0xc0045706) timeoutS = Math.ceil((argument[0] ?? 0) / 10) * 10;
  argument[0] = timeoutS;
  return { kind: 'done', value: 0 } as const;
};
let timeoutS = 60;

test('written to, set, and closed with the magic letter', () => {
  const path = `${home}/device`;
  writeFileSync(path, '');
  const opened = makeWatchdog(path, standIn).open();
  assert.ok(opened.kind === 'open');
  assert.equal(opened.device.setSeconds(25), 30, 'what the driver took counts');
  assert.equal(opened.device.pat(), true);
  assert.equal(opened.device.close(), true);
  assert.equal(readFileSync(path, 'utf8'), '1V');
});

test('no device: it is not created; a plain file of that name is no device', () => {
  assert.equal(makeWatchdog(`${home}/none`).open().kind, 'failed');
  assert.equal(existsSync(`${home}/none`), false);
  writeFileSync(`${home}/plain`, '');
  const plain = makeWatchdog(`${home}/plain`).open();
  assert.ok(
    plain.kind === 'failed' && /no watchdog device: ioctl gave errno 25/.test(plain.why),
    JSON.stringify(plain),
  );
});
