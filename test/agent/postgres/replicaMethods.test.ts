import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readReplicaMethods } from '../../../src/codec/config/replicaMethods.ts';
import type { Job } from '../../../src/model/job.ts';
import type { ReplicaMethod } from '../../../src/model/settings.ts';
import { leaveRootForGood } from '../../support/unprivileged.ts';
import { makeFolder, makeNode, noPremise, stopFast, world } from './node.ts';
import { done, streams } from './waits.ts';

leaveRootForGood(fileURLToPath(import.meta.url));

/** Copies by an operator's own scripts, from real servers; and addresses at which another cluster's server answers. */
describe('replica methods, and whose server a copy is made from', () => {
  const folder = makeFolder();
  const n1 = makeNode(folder.path, 'n1', 19_714, { archive_mode: 'on', archive_command: '/bin/true' });
  const n2 = makeNode(folder.path, 'n2', 19_715);
  const foreign = makeNode(folder.path, 'foreign', 19_716);
  const { dataDir } = n2.settings.local.postgres;
  const mark = `${n2.settings.local.stateDir}/job.json`;
  const kept = `${folder.path}/kept`;
  let systemId = '';
  after(async () => {
    for (const node of [n1, n2, foreign]) await node.end();
    folder.remove();
  });
  before(async () => {
    await Promise.all([done(n1.perform({ kind: 'bootstrap' })), done(foreign.perform({ kind: 'bootstrap' }))]);
    systemId = await n1.sql('SELECT system_identifier FROM pg_control_system()');
  });

  const premise = () => ({ ...noPremise, systemId });
  const configured = (section: Readonly<Record<string, unknown>>) =>
    Object.assign(n2.settings.postgres as { replicaMethods: readonly ReplicaMethod[] }, {
      replicaMethods: readReplicaMethods((name) => section[name]).methods,
    });
  function script(name: string, text: string): string {
    const path = `${folder.path}/${name}`;
    const reads =
      'for a; do case $a in --datadir=*) to=$(echo "$a" | cut -d= -f2-);; --connstring=*) from=$(echo "$a" | cut -d= -f2-);; esac; done';
    writeFileSync(path, `#!/bin/sh\n${reads}\n${text}\n`, { mode: 0o700 });
    return path;
  }
  const clone = (more: Partial<Extract<Job, { kind: 'clone' }>> = {}, signal?: AbortSignal) =>
    n2.perform(
      { kind: 'clone', from: n1.upstream(), premise: premise(), ...more },
      signal === undefined ? {} : { signal },
    );
  const remove = (more: Partial<Extract<Job, { kind: 'removeData' }>> = {}) =>
    n2.perform({ kind: 'removeData', why: 'test', premise: premise(), force: true, leader: n1.upstream(), ...more });
  async function appears(path: string): Promise<void> {
    const endMs = world.clock.now() + 20_000;
    while (!existsSync(path)) {
      assert.ok(world.clock.now() < endMs, path);
      await world.clock.sleep(20);
    }
  }
  const basebackup = '/usr/lib/postgresql/15/bin/pg_basebackup --no-password --checkpoint=fast --no-sync';

  test('called as Patroni calls it, with the password where libpq looks for it; what it made streams', async () => {
    const said = `${folder.path}/said`;
    process.env.OF_THE_AGENT = 'inherited';
    const command = script(
      'copy',
      `printf '%s\\n' "$@" "$PGPASSFILE" "$OF_THE_AGENT" > ${said}; exec ${basebackup} -D "$to" -d "$from"`,
    );
    configured({
      create_replica_methods: ['mine'],
      mine: { command: `${command} 'a word'`, no_leader: 1, foo: 'bar' },
    });
    const result = await clone();
    await done(Promise.resolve(result));
    assert.equal((result as { method?: string }).method, 'mine');
    assert.deepEqual(readFileSync(said, 'utf8').trim().split('\n'), [
      'a word',
      '--no_leader=1',
      '--foo=bar',
      '--scope=demo',
      '--role=replica',
      `--datadir=${dataDir}`,
      '--connstring=dbname=postgres user=replicator host=127.0.0.1 port=19714',
      n2.settings.local.postgres.pgpass,
      'inherited',
    ]);
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    await done(n2.perform(stopFast));
  });

  test("a wrong address never lets a reinit empty a node: at the leader's, at the copy's source, for a rewind", async () => {
    const wrong = { ...foreign.upstream(), member: 'n1' };
    const before = readdirSync(dataDir);
    for (const refused of [
      await remove({ leader: wrong }),
      await remove({ copyFrom: { ...wrong, member: 'n3' } }),
      await clone({ over: wrong }),
      await clone({ from: { ...wrong, member: 'n3' }, over: n1.upstream() }),
      await n2.perform({ kind: 'rewind', from: wrong, premise: premise() }),
    ]) {
      assert.equal(refused.ended, 'failed');
      assert.match(
        refused.error ?? '',
        new RegExp(
          `n[13]'s address 127\\.0\\.0\\.1:19716 leads to a server of another cluster: its system identifier is \\d+, and this cluster's is ${systemId}\\. See to postgresql\\.connect_address in n[13]'s file`,
        ),
      );
    }
    assert.deepEqual(readdirSync(dataDir), before);
    assert.ok(!existsSync(mark));
    const check = await n2.perform({ kind: 'checkDivergence', from: wrong, leaderTimeline: null });
    assert.ok(check.divergence?.kind === 'unknown' && check.divergence.why.includes('of another cluster'));
    // The key of the cluster is another one's: this data may be all that there is of its own.
    const mine = await remove({ premise: { ...noPremise, systemId: '1' } });
    assert.match(
      mine.error ?? '',
      new RegExp(`holds data of another cluster \\(system identifier ${systemId}, not 1\\)`),
    );
    assert.deepEqual(readdirSync(dataDir), before);
  });

  test('keep_data: the tool goes over what is there; broken off, it goes on; nobody takes it for whole', async () => {
    const command = script('delta', 'test -f "$to/PG_VERSION" || exit 9; echo half > "$to/base/half"; sleep 60');
    configured({ create_replica_methods: ['delta'], delta: { command, keep_data: true } });
    const abort = new AbortController();
    const cloning = clone({ over: n1.upstream() }, abort.signal);
    await appears(`${dataDir}/base/half`);
    assert.deepEqual(await n2.postgres.look(), { kind: 'partialData', left: 'basebackup', inPlace: true });
    abort.abort();
    assert.equal((await cloning).ended, 'cancelled');
    assert.deepEqual(await n2.postgres.look(), { kind: 'partialData', left: 'basebackup', inPlace: true });
    script('delta', 'test -f "$to/base/half" || exit 9; rm "$to/base/half"');
    await done(clone({ over: n1.upstream() }));
    assert.equal((await n2.postgres.look()).kind, 'stopped');
    // What people put there meanwhile has another control file.
    writeFileSync(mark, JSON.stringify({ left: 'basebackup', dataDir, claimed: [], over: 'another' }));
    assert.deepEqual(await n2.postgres.look(), {
      kind: 'partialData',
      left: 'basebackup',
      inPlace: true,
      mayBeWhole: true,
    });
    writeFileSync(mark, JSON.stringify({ left: 'removal', dataDir }));
    await done(remove());
  });

  test('a method that fails, or leaves what is no copy of this cluster, is told with its last words, and the next one is tried', async () => {
    const { dataDir: theirs } = foreign.settings.local.postgres;
    const fails = script(
      'fails',
      'mkdir -p "$to/base" "$to/global"; touch "$to/global/pg_control"; echo no space >&2; exit 3',
    );
    const nothing = script('nothing', 'rm -rf "$to"; mkdir -m 700 -p "$to"; touch "$to/README"');
    const takes = script('takes', `mkdir -p "$to" && mv ${theirs}/* "$to"`);
    const open = script('open', `${basebackup} -D "$to" -d "$from" && chmod 755 "$to" && exit 1`);
    await done(foreign.perform(stopFast));
    const names = ['fails', 'absent', 'nothing', 'takes', 'open', 'unusable', 'basebackup'];
    const section = {
      create_replica_methods: names,
      fails: { command: fails },
      absent: { command: '/nowhere/tool' },
      nothing: { command: nothing },
      takes: { command: takes },
      open: { command: open },
      unusable: { command: '' },
    };
    configured({ ...section, create_replica_methods: names.slice(0, -1) });
    const failed = await clone();
    assert.equal(failed.ended, 'failed');
    for (const told of [
      /fails ended with exit code 3: no space/,
      /postgresql\.absent\.command: \/nowhere\/tool could not be started: .*ENOENT/,
      /nothing ended with exit code 0, and \S+ is no data directory: there is no PG_VERSION; see to what it does with --datadir/,
      new RegExp(
        `takes ended with exit code 0, and \\S+ is of another cluster: its system identifier is \\d+, and this cluster's is ${systemId}`,
      ),
      /create_replica_methods: postgresql\.unusable\.command is to be the command/,
    ])
      assert.match(failed.error ?? '', told);
    assert.deepEqual(await n2.postgres.look(), { kind: 'noData' });
    assert.ok(!existsSync(mark));
    assert.ok(n2.notes.includes('fails: no space'), 'what it says is in the log');
    configured(section);
    await done(clone());
    assert.equal((await n2.postgres.look()).kind, 'stopped');
    assert.equal(statSync(dataDir).mode & 0o777, 0o700, 'whatever the scripts made of it');
    renameSync(dataDir, kept);
  });

  test('broken off, with all that it started; the agent that dies meanwhile finds its mark; no server of its is touched', async () => {
    const pids = `${folder.path}/pids`;
    const command = script(
      'slow',
      `mkdir -p "$to/global"; touch "$to/PG_VERSION" "$to/global/pg_control"; (sleep 77 & echo $! $$ > ${pids}.new; mv ${pids}.new ${pids}; wait)`,
    );
    configured({ create_replica_methods: ['slow', 'basebackup'], slow: { command } });
    const abort = new AbortController();
    const cloning = clone({}, abort.signal);
    await appears(pids);
    assert.equal((await n2.postgres.look()).kind, 'partialData');
    abort.abort();
    assert.equal((await cloning).ended, 'cancelled');
    for (const pid of readFileSync(pids, 'utf8').trim().split(' '))
      assert.equal(world.processes.describe(Number(pid) as never)?.state ?? 'dead', 'dead');
    assert.deepEqual(await n2.postgres.look(), { kind: 'partialData', left: 'basebackup' }, 'for certain');
    await done(remove({ leader: null }));
  });

  test('the agent was killed, and its tool copies on: the next agent ends that before it touches anything', async () => {
    const pids = `${folder.path}/pids2`;
    const command = script(
      'endless',
      `trap '' HUP TERM PIPE; mkdir -p "$to"; (while :; do touch "$to/PG_VERSION"; sleep 0.1; done) & echo $! $$ > ${pids}.new; mv ${pids}.new ${pids}; wait`,
    );
    // As an agent leaves it that dies: the mark, and a tool in a session of its own.
    writeFileSync(mark, JSON.stringify({ left: 'basebackup', dataDir, claimed: [] }));
    const cwd = `${n2.settings.local.stateDir}/copying`;
    const launched = await world.processes.launch(
      { program: command, args: [`--datadir=${dataDir}`], cwd },
      '/dev/null',
    );
    assert.equal(launched.kind, 'launched', JSON.stringify(launched));
    await appears(pids);
    await done(remove({ leader: null }));
    for (const pid of readFileSync(pids, 'utf8').trim().split(' '))
      assert.equal(world.processes.describe(Number(pid) as never)?.state ?? 'dead', 'dead');
    await world.clock.sleep(300);
    assert.deepEqual(await n2.postgres.look(), { kind: 'noData' });
  });

  test('without a leader only what needs none is tried', async () => {
    configured({
      create_replica_methods: ['basebackup', 'archive'],
      archive: {
        command: script('archive', `echo "from [$from]"; rmdir "$to" 2> /dev/null; mv ${kept} "$to"`),
        no_leader: true,
      },
    });
    // Nor is the one that does not answer needed for it.
    const silent = await clone({ from: foreign.upstream() });
    await done(Promise.resolve(silent));
    assert.match(n2.notes.join('\n'), /no copy yet: the next method is tried/);
    renameSync(dataDir, kept);
    const result = await clone({ from: null });
    await done(Promise.resolve(result));
    assert.equal(n2.notes.at(-1), 'archive: from []');
    configured({ create_replica_methods: ['basebackup'] });
    await done(remove());
    assert.match(
      (await clone({ from: null })).error ?? '',
      /no method of postgresql\.create_replica_methods works without a leader/,
    );
  });

  const pgbackrest = process.env.PGBACKREST ?? '/usr/bin/pgbackrest';
  test('pgBackRest, where it is installed: an empty directory is filled, and a delta goes over what is there', {
    skip: existsSync(pgbackrest) ? false : 'it is not installed',
  }, async () => {
    const at = (what: string): string => `${folder.path}/pgbackrest-${what}`;
    const stanza = `--stanza=main --repo1-path=${at('repo')} --log-path=${at('log')} --lock-path=${at('lock')} --log-level-console=info`;
    const source = `--pg1-path=${n1.settings.local.postgres.dataDir} --pg1-port=19714 --pg1-socket-path=${folder.path}/n1 --pg1-user=postgres`;
    for (const words of ['stanza-create', 'backup --no-archive-check --start-fast']) {
      const args = [...words.split(' '), ...stanza.split(' '), ...source.split(' ')];
      const env = { PGPASSFILE: n2.settings.local.postgres.pgpass };
      const finished = await world.processes.run({ program: pgbackrest, args, inherit: true, env }, 60_000);
      assert.ok(finished.kind === 'exited' && finished.code === 0, JSON.stringify(finished));
    }
    const command = `${pgbackrest} restore --delta ${stanza} --pg1-path=${dataDir}`;
    configured({ create_replica_methods: ['pgbackrest'], pgbackrest: { command, keep_data: true, no_params: true } });
    mkdirSync(dataDir, { mode: 0o700, recursive: true });
    await done(clone());
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
    await done(n2.perform(stopFast));
    await done(clone({ over: n1.upstream() }));
    assert.match(n2.notes.join('\n'), /pgbackrest: .*restore size = .*, file total = \d+/);
    assert.equal((await n2.postgres.look()).kind, 'stopped');
    await done(n2.perform({ kind: 'startStandby', upstream: n1.upstream() }));
    await streams(n2);
  });
});
