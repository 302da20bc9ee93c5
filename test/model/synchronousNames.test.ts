import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOf, isIn, readSynchronousNames, writeSynchronousNames } from '../../src/model/synchronousNames.ts';

test('synchronous_standby_names is read as PostgreSQL reads it', () => {
  const first = (count: number, ...names: readonly string[]) => ({ method: 'first', count, names });
  for (const [text, rule] of [
    ['', null],
    ['  ', null],
    ['n1', first(1, 'n1')],
    ['n1, n2', first(1, 'n1', 'n2')],
    ['2 (n1,n2)', first(2, 'n1', 'n2')],
    ['FIRST 1 (n1, n2)', first(1, 'n1', 'n2')],
    ['first 2(n1 , "n 2")', first(2, 'n1', 'n 2')],
    ['ANY 2 (n1,n2,n3)', { method: 'any', count: 2, names: ['n1', 'n2', 'n3'] }],
    ['*', first(1, '*')],
    ['"a,b", "c""d", "e)"', first(1, 'a,b', 'c"d', 'e)')],
    ['any_other', first(1, 'any_other')],
    ['first1', first(1, 'first1')],
  ] as const)
    assert.deepEqual(readSynchronousNames(text), rule, text);
});

test('it is written as Patroni writes it, and read back the same [lesson 66]', () => {
  assert.equal(writeSynchronousNames(null), '');
  assert.equal(writeSynchronousNames(allOf([])), '');
  assert.equal(writeSynchronousNames(allOf(['n1'])), 'n1');
  assert.equal(writeSynchronousNames(allOf(['n2', 'n1'])), '2 (n1,n2)');
  assert.equal(writeSynchronousNames({ method: 'any', count: 1, names: ['n1', 'n2'] }), 'ANY 1 (n1,n2)');
  for (const name of ['node-1', 'first', 'ANY', '1st', 'a"b', 'a,b', 'ü', 'a b', '*'])
    for (const rule of [allOf([name]), allOf([name, 'n1']), { method: 'any', count: 1, names: [name] } as const])
      assert.deepEqual(readSynchronousNames(writeSynchronousNames(rule)), rule, name);
});

test('names know no case', () => {
  assert.ok(isIn(['Node1'], 'nODE1'));
  assert.ok(!isIn(['node1'], 'node11'));
});
