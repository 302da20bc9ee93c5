import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lessons, notYet } from './lessons.ts';
import { readMarks, tablePath, tableText } from './table.ts';

const marks = readMarks();
const numbers = Object.keys(lessons).map(Number);

test('there are sixty lessons, each in a few words', () => {
  assert.equal(numbers.length, 60);
  assert.deepEqual(
    Object.values(lessons).filter((title) => title.split(' ').length > 10),
    [],
  );
});

test('each lesson has a test, or a reason why there is none, and not both', () => {
  assert.deepEqual(
    numbers.filter((number) => marks.has(number) === (notYet[number] !== undefined)),
    [],
  );
});

test('no mark and no reason is for a lesson that is not there', () => {
  assert.deepEqual(
    [...marks.keys(), ...Object.keys(notYet).map(Number)].filter((number) => lessons[number] === undefined),
    [],
  );
});

test('docs/lessons.md is what the tests say: npm run lessons', () => {
  assert.equal(readFileSync(tablePath, 'utf8'), tableText(marks));
});
