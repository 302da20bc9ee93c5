import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLocalConfig } from '../../../src/codec/config/local.ts';
import { readPostgresSettings } from '../../../src/codec/config/postgres.ts';
import type { LocalSettings } from '../../../src/model/settings.ts';
import { small } from './sample.ts';

function localWith(more: string): LocalSettings {
  const read = readLocalConfig(`${small}${more}`, 'node.yml', {});
  assert.ok(read.kind === 'ok');
  return read.local;
}
const read = (dynamic: unknown, more = '') => readPostgresSettings(localWith(more), dynamic);

test('what must match across nodes: the preset where the given value is not accepted', () => {
  const table: readonly [name: string, given: unknown, used: string, isWarned: boolean][] = [
    ['max_connections', undefined, '100', false],
    ['max_connections', 40, '40', false],
    ['max_connections', 24, '100', true],
    ['max_connections', 'many', '100', true],
    ['max_wal_senders', 2, '10', true],
    ['max_replication_slots', 5, '5', false],
    ['max_worker_processes', 1, '8', true],
    ['max_locks_per_transaction', 31, '64', true],
    ['max_prepared_transactions', 0, '0', false],
    ['wal_level', 'minimal', 'replica', true],
    ['wal_level', 'hot_standby', 'replica', false],
    ['hot_standby', 'off', 'on', true],
    ['wal_log_hints', 'off', 'off', false],
    ['track_commit_timestamp', true, 'on', false],
    ['wal_keep_size', '1GB', '1GB', false],
    ['wal_keep_size', '8MB', '128MB', true],
    ['wal_keep_size', '16384kB', '16384kB', false],
  ];
  for (const [name, given, used, isWarned] of table) {
    const { postgres, warnings } = read({ parameters: given === undefined ? {} : { [name.toUpperCase()]: given } });
    assert.equal(postgres.parameters[name], used, `${name} ${given}`);
    const onCommandLine = postgres.commandLine.find(([one]) => one === name)?.[1];
    assert.equal(onCommandLine, name === 'wal_keep_size' ? undefined : used);
    assert.equal(warnings.length > 0, isWarned, `${name} ${given}: ${warnings.join()}`);
  }
});

test('the command line has its order, and the node sets none of it by parameters', () => {
  const more = '  parameters: { max_connections: 500, port: 1, listen_addresses: x, work_mem: 8MB }\n';
  const { postgres, warnings } = read(
    { parameters: { max_connections: 40, cluster_name: 'x', work_mem: '4MB' } },
    more,
  );
  assert.equal(
    postgres.commandLine.map(([name, value]) => `--${name}=${value}`).join(' '),
    '--listen_addresses=0.0.0.0 --port=5432 --cluster_name=demo --wal_level=replica --hot_standby=on --max_connections=40 --max_wal_senders=10 --max_prepared_transactions=0 --max_locks_per_transaction=64 --track_commit_timestamp=off --max_replication_slots=10 --max_worker_processes=8 --wal_log_hints=on',
  );
  assert.equal(postgres.parameters.work_mem, '8MB');
  assert.match(
    warnings.join('\n'),
    /^postgresql\.parameters\.max_connections: set in this node's file, where it does nothing/,
  );
});

test('parameters of older versions and of the agent alone do not reach postgresql.conf', () => {
  const old = read({ parameters: { wal_keep_segments: 4 } }).postgres.parameters;
  assert.deepEqual([old.wal_keep_size, old.wal_keep_segments], ['64MB', undefined]);
  const both = read({ parameters: { wal_keep_segments: 4, wal_keep_size: '1GB' } }).postgres.parameters;
  assert.equal(both.wal_keep_size, '1GB');
  const names = ['primary_conninfo', 'primary_slot_name', 'recovery_target_time', 'recovery_target'];
  for (const name of names) {
    const { postgres, warnings } = read({ parameters: { [name]: 'x' }, recovery_conf: { [name]: 'x' } });
    assert.deepEqual([postgres.parameters[name], postgres.recovery[name]], [undefined, undefined]);
    assert.deepEqual(warnings, [`postgresql.parameters.${name}: set by the agent alone; ignored`]);
  }
  for (const name of [
    'include',
    'include_if_exists',
    'include_dir',
    'data_directory',
    'config_file',
    'Data_Directory',
  ]) {
    const { postgres, warnings } = read({ parameters: { [name]: '/x' } });
    assert.equal(postgres.parameters[name.toLowerCase()], undefined);
    assert.match(warnings.join(), /files are named by the agent alone/);
  }
  assert.equal(read({ parameters: { 'x.y': 'a\0b' } }).postgres.parameters['x.y'], undefined);
  const { postgres } = read({ parameters: { restore_command: 'cp %f %p', archive_mode: true, 'x.y': 1 } });
  assert.deepEqual(postgres.recovery, { restore_command: 'cp %f %p' });
  assert.deepEqual([postgres.parameters.archive_mode, postgres.parameters['x.y']], ['on', '1']);
});

test("the node's own section wins key by key, lists as a whole; use_slots is the cluster's", () => {
  const dynamic = {
    use_pg_rewind: true,
    use_slots: false,
    pg_hba: ['a', 'b'],
    pg_ctl_timeout: 30,
    callbacks: { on_stop: 'x' },
  };
  const alone = read(dynamic).postgres;
  assert.deepEqual(
    [alone.usePgRewind, alone.useSlots, alone.pgHba, alone.startTimeoutMs],
    [true, false, ['a', 'b'], 30_000],
  );
  const mine = read(
    dynamic,
    '  use_pg_rewind: off\n  use_slots: on\n  pg_hba: [c]\n  callbacks: { on_start: y }\n',
  ).postgres;
  assert.deepEqual(
    [mine.usePgRewind, mine.useSlots, mine.pgHba, mine.callbacks],
    [false, false, ['c'], { on_start: 'y' }],
  );
  assert.equal(read({}).postgres.pgHba, null);
});
