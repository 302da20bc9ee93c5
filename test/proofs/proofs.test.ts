import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { acceptance } from './acceptance.ts';
import { lessons } from './lessons.ts';
import { readMarks } from './marks.ts';
import { tables, tableText } from './table.ts';

test('there are sixty lessons, each in a few words, and thirty-six acceptance scenarios', () => {
  assert.deepEqual([Object.keys(lessons).length, Object.keys(acceptance).length], [60, 36]);
  assert.deepEqual(
    Object.values(lessons).filter((title) => title.split(' ').length > 10),
    [],
  );
});

for (const table of tables) {
  const name = basename(table.path);
  const marks = readMarks(table.mark);
  const numbers = Object.keys(table.titles).map(Number);

  test(`${name}: each has a test, or a reason why there is none, and not both`, () => {
    assert.deepEqual(
      numbers.filter((number) => marks.has(number) === (table.reasons[number] !== undefined)),
      [],
    );
  });

  test(`${name}: no mark and no reason is for one that is not there`, () => {
    assert.deepEqual(
      [...marks.keys(), ...Object.keys(table.reasons).map(Number)].filter(
        (number) => table.titles[number] === undefined,
      ),
      [],
    );
  });

  test(`${name} is what the tests say: npm run proofs`, () => {
    assert.equal(readFileSync(table.path, 'utf8'), tableText(table, marks));
  });
}
