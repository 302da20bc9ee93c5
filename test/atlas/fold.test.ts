import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlike } from './atlas.ts';
import { fold } from './fold.ts';

const axes = [
  { name: 'sky', values: ['clear', 'cloudy', 'black'] },
  { name: 'wind', values: ['none', 'strong'] },
];

test('what does not matter is left out, and values that never differ share a line', () => {
  assert.deepEqual(fold(axes, ['walk', 'walk', 'walk', 'walk', 'walk', 'walk']), ['always -> walk']);
  assert.deepEqual(fold(axes, ['walk', 'sail', 'walk', 'sail', 'stay', 'stay']), [
    'sky: clear | cloudy; wind: none -> walk',
    'sky: clear | cloudy; wind: strong -> sail',
    'sky: black -> stay',
  ]);
});

test('what cannot be bars no folding, and is not told', () => {
  assert.deepEqual(fold(axes, ['walk', 'sail', null, 'sail', null, null]), [
    'wind: none -> walk',
    'wind: strong -> sail',
  ]);
});

test('the larger part of many values is told by what it is not', () => {
  const many = [{ name: 'day', values: ['mo', 'tu', 'we', 'th', 'fr', 'sa', 'su'] }];
  assert.deepEqual(fold(many, ['work', 'work', 'work', 'work', 'work', 'rest', 'rest']), [
    'day: any but sa | su -> work',
    'day: sa | su -> rest',
  ]);
});

test('two atlases are told apart by their lines, under their chapters', () => {
  assert.deepEqual(unlike('## a\nx -> 1\ny -> 2\n## b\nz -> 3\n', '## a\nx -> 1\ny -> 4\n## b\nz -> 3\n'), [
    '## a',
    '- y -> 2',
    '+ y -> 4',
  ]);
  assert.deepEqual(unlike('## a\nx -> 1\n', '## a\nx -> 1\n'), []);
});
