import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameSetting } from '../../../src/codec/postgres/setting.ts';

const row = (type: string, setting: string, unit: string | null = null, shown = setting) => ({
  name: 'x',
  type,
  setting,
  unit,
  shown,
});

test('memory and time mean the same in whatever unit they are written', () => {
  const buffers = row('integer', '16384', '8kB', '128MB');
  for (const text of ['16384', '128MB', '131072kB', '0.125GB']) assert.ok(sameSetting(text, buffers), text);
  for (const text of ['16385', '129MB', '128mb', '128', '128s']) assert.ok(!sameSetting(text, buffers), text);
  const delay = row('integer', '5000', 'ms', '5s');
  for (const text of ['5000', '5s', '5000ms']) assert.ok(sameSetting(text, delay), text);
  assert.ok(!sameSetting('5min', delay));
});

test('switches and choices are compared by meaning, texts by letter', () => {
  assert.ok(sameSetting('true', row('bool', 'on')));
  assert.ok(!sameSetting('off', row('bool', 'on')));
  assert.ok(!sameSetting('maybe', row('bool', 'on')));
  assert.ok(sameSetting('Replica', row('enum', 'replica')));
  assert.ok(!sameSetting('Main', row('string', 'main')));
});

test('a number without a unit of its own takes none', () => {
  assert.ok(sameSetting('100', row('integer', '100')));
  assert.ok(!sameSetting('100kB', row('integer', '100')));
});
