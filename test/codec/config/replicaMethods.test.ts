import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLocalConfig } from '../../../src/codec/config/local.ts';
import { readPostgresSettings } from '../../../src/codec/config/postgres.ts';
import { small } from './sample.ts';

function read(more: string, dynamic: unknown = {}) {
  const file = readLocalConfig(`${small}${more}`, 'node.yml', {});
  assert.ok(file.kind === 'ok', JSON.stringify(file));
  const { postgres, warnings } = readPostgresSettings(file.local, dynamic);
  return { methods: postgres.replicaMethods, warnings: [...file.warnings, ...warnings] };
}
const basebackup = { kind: 'basebackup' };

test('nothing is said, or an empty list, or no list at all: pg_basebackup', () => {
  assert.deepEqual(read(''), { methods: [basebackup], warnings: [] });
  assert.deepEqual(read('  create_replica_methods: []\n').methods, [basebackup]);
  const cluster = read('', { create_replica_methods: 'pgbackrest' });
  assert.deepEqual(cluster.methods, [basebackup]);
  assert.match(cluster.warnings.join(), /postgresql\.create_replica_methods: a list of names is expected/);
});

test('methods in their order, with what their sections say, also in the old spelling and for the whole cluster', () => {
  const sections = `
  pgbackrest: { command: "/usr/bin/pgbackrest --stanza=main --delta restore", keep_data: true, no_params: true, no_leader: "yes" }
  wal_g: { command: fetch, threads: 4, keep_data: false, datadir: /x, empty: null }
`;
  const [pgbackrest, walG] = [
    {
      kind: 'command',
      name: 'pgbackrest',
      command: '/usr/bin/pgbackrest --stanza=main --delta restore',
      options: [],
      noParams: true,
      noLeader: true,
      keepData: true,
    },
    {
      kind: 'command',
      name: 'wal_g',
      command: 'fetch',
      options: [
        ['threads', '4'],
        ['keep_data', 'False'],
        ['empty', 'None'],
      ],
      noParams: false,
      noLeader: false,
      keepData: false,
    },
  ];
  for (const key of ['create_replica_methods', 'create_replica_method'])
    assert.deepEqual(read(`  ${key}: [pgbackrest, basebackup, wal_g]${sections}`), {
      methods: [pgbackrest, basebackup, walG],
      warnings: [],
    });
  assert.deepEqual(read(sections.slice(1), { create_replica_methods: ['wal_g'] }), { methods: [walG], warnings: [] });
});

test('what cannot be used is told by its key, and stays in the list to be told when its turn comes', () => {
  const { methods, warnings } = read(
    '  create_replica_methods: [one, two, three, four]\n  one: text\n  two: { command: "" }\n  three:\n  four: { comand: f }\n',
  );
  assert.deepEqual(
    methods.map(({ kind }) => kind),
    ['unusable', 'unusable', 'command', 'command'],
  );
  assert.deepEqual(warnings, [
    'postgresql.create_replica_methods: postgresql.one is to be a mapping with the key command; it is passed over',
    'postgresql.create_replica_methods: postgresql.two.command is to be the command that makes a copy, as a text; it is passed over',
    'postgresql.create_replica_methods: there is no postgresql.three.command: the program three itself is run; say there what to run',
    'postgresql.create_replica_methods: there is no postgresql.four.command: the program four itself is run; say there what to run',
  ]);
});

test('a section that looks like a method, and a misspelt key that does not', () => {
  assert.deepEqual(read('  walg: { command: x }\n').warnings, []);
  assert.match(read('  walg: { comand: x }\n').warnings.join(), /postgresql\.walg: unknown setting, ignored/);
});
