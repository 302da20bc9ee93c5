import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { LeaseVerdict } from '../../src/decide/lease.ts';
import { rules } from '../../src/decide/rules.ts';
import { atlasFile, drawAtlas, unlike } from './atlas.ts';

/** Rules that no combination of the atlas reaches, each with the reason. */
const unreached: Readonly<Record<string, string>> = {};

const leaseRules: Readonly<Record<LeaseVerdict['rule'], true>> = {
  'lease.none': true,
  'lease.lost': true,
  'lease.doubt': true,
  'lease.failsafe': true,
  'lease.renew': true,
  'lease.hold': true,
};

const atlas = drawAtlas();

test('what the agent does in every situation is as test/atlas.txt says', () => {
  const difference = unlike(readFileSync(atlasFile, 'utf8'), atlas.text);
  assert.ok(
    difference.length === 0,
    `decide() does not do what test/atlas.txt says. If it is as it shall be: npm run atlas\n${difference.join('\n')}`,
  );
});

test('every rule is on the atlas, or it is said why not', () => {
  const reached = new Set(atlas.chapters.flatMap((chapter) => [...chapter.rules]));
  const missing = [...rules.map(({ name }) => name), ...Object.keys(leaseRules)].filter((name) => !reached.has(name));
  assert.deepEqual(missing.toSorted(), Object.keys(unreached).toSorted());
});

test('a rule answers every combination, and none throws', () => {
  assert.deepEqual(
    atlas.chapters.flatMap(({ threw }) => [...threw]),
    [],
  );
  assert.deepEqual(
    atlas.chapters.filter((chapter) => chapter.rules.has('none')).map(({ title }) => title),
    [],
  );
});
