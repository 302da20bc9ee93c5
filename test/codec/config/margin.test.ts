import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marginMs, sentinelGraceMs } from '../../../src/codec/config/merge.ts';
import type { Settings } from '../../../src/model/settings.ts';
import { settings } from '../../decide/settings.ts';

const plain = settings('n1');
const withMargin = (safetyMarginMs: number): Settings => ({
  ...plain,
  local: { ...plain.local, watchdog: { ...plain.local.watchdog, safetyMarginMs } },
});

test('a sentinel that was told its grace under any safety_margin acts well before the lease ends under any other, and any ttl', () => {
  const margins = [-1, 0, 1, 2, 5, 60].map((s) => withMargin(s * 1_000));
  for (const before of margins)
    for (const after of margins)
      for (const ttlS of [5, 6, 8, 19, 20, 30, 300]) {
        const leftMs = marginMs(after, ttlS * 1_000) - sentinelGraceMs(before);
        // It looks every 50 ms then, and has to kill; by law 4 all is over 750 ms after a deadline.
        assert.ok(leftMs >= 375, `${leftMs} ms are left`);
      }
});
