import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeChance } from '../../src/sim/chance.ts';
import { simulate } from '../../src/sim/cluster.ts';
import { makeDisk } from '../../src/sim/disk.ts';
import { append, loseTail, newWal } from '../../src/sim/postgres/wal.ts';
import { drawnFrom } from '../../src/sim/unsynced.ts';

const members = ['n1', 'n2', 'n3'] as const;
const settings = { ttl: 20, loop_wait: 5, retry_timeout: 5 };
const nothing = (): number => 0;

function diskAt(clock: { ms: number }) {
  const disk = makeDisk(() => clock.ms);
  disk.makeDirectory('/d/inner', 0o700, 0);
  disk.sync('/d/inner');
  return disk;
}
const textOf = (disk: ReturnType<typeof makeDisk>, path: string): string | null => {
  const node = disk.get(path);
  return node?.kind === 'file' ? node.text : null;
};

test('a disk keeps over a power cut what was synced, and half a minute later everything', () => {
  const clock = { ms: 0 };
  const disk = diskAt(clock);
  disk.put('/d/old', 'written back by the kernel', 0o600, 0);
  clock.ms = 31_000;
  disk.put('/d/synced', 'one', 0o600, 0);
  disk.sync('/d/synced');
  disk.put('/d/synced', 'two', 0o600, 0);
  disk.put('/d/inner/new', 'lost', 0o600, 0);
  disk.remove('/d/old');
  disk.losePower(nothing);
  assert.equal(textOf(disk, '/d/old'), 'written back by the kernel');
  assert.equal(textOf(disk, '/d/synced'), 'one');
  assert.deepEqual(disk.names('/d/inner'), []);
  disk.losePower(nothing); // there is nothing left to lose
  assert.equal(textOf(disk, '/d/synced'), 'one');
});

test('what is lost of a folder is the latest: a later change is never there without the one before it', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const disk = diskAt({ ms: 0 });
    for (const name of ['a', 'b', 'c', 'd']) {
      disk.put(`/d/${name}`, name, 0o600, 0);
      disk.put(`/d/inner/${name}`, name, 0o600, 0);
    }
    disk.rename('/d/inner', '/d/moved');
    disk.losePower(drawnFrom(makeChance(seed)));
    const there = (disk.names('/d') ?? []).join('');
    assert.match(there, /^(a?|ab|abc|abcd)(inner|moved)$/);
    if (there.endsWith('moved')) assert.equal(there, 'abcdmoved');
  }
});

test('the name of a file may be on the disk before its text is: it is found, and it is empty', () => {
  const disk = diskAt({ ms: 0 });
  disk.put('/d/file', 'text', 0o600, 0);
  disk.sync('/d');
  disk.losePower(nothing);
  assert.equal(textOf(disk, '/d/file'), '');
});

test('a tree that was removed comes back whole, and what was moved is where it was', () => {
  const disk = diskAt({ ms: 0 });
  disk.put('/d/inner/a', 'a', 0o600, 0);
  disk.syncBelow('/d');
  const usedBytes = disk.usedBytes();
  disk.rename('/d/inner', '/d/old');
  disk.remove('/d/old');
  disk.makeDirectory('/d/inner', 0o700, 0);
  disk.put('/d/inner/b', 'bbb', 0o600, 0);
  disk.losePower(nothing);
  assert.deepEqual(disk.names('/d'), ['inner']);
  assert.deepEqual(disk.names('/d/inner'), ['a']);
  assert.equal(disk.usedBytes(), usedBytes);
});

test('what was written in a folder before it was removed has nothing to do with the folder that is made after it', () => {
  const disk = diskAt({ ms: 0 });
  disk.put('/d/inner/a', 'a', 0o600, 0);
  disk.syncBelow('/d');
  disk.remove('/d/inner/a');
  disk.remove('/d/inner');
  disk.makeDirectory('/d/inner', 0o700, 0);
  disk.sync('/d');
  disk.losePower(nothing);
  assert.deepEqual(disk.names('/d/inner'), []);
});

test('a log keeps over a power cut what was flushed, and of the rest a beginning', () => {
  for (const kept of [0, 1, 2]) {
    const wal = newWal();
    const flushed = append(wal, { kind: 'other' }, 64);
    wal.flushed = flushed.end;
    const rest = [append(wal, { kind: 'other' }, 64), append(wal, { kind: 'other' }, 64)];
    loseTail(wal, () => kept);
    assert.deepEqual(wal.records, [flushed, ...rest.slice(0, kept)]);
    assert.equal(wal.end, wal.records.at(-1)?.end);
    assert.equal(wal.flushed, flushed.end);
  }
});

test('the power of a standby goes between write and flush: what it had received is gone, and it comes back with what it had confirmed', async () => {
  const cluster = await simulate({ members, seed: 901, writeEveryMs: 50, settings }).untilSteady();
  const leader = cluster.primary() ?? '';
  const [standby = ''] = members.filter((name) => name !== leader);
  const wal = () => cluster.server(standby)?.wal ?? assert.fail('it does not run');
  cluster.node(standby).machine.fsyncMs = 400;
  await cluster.until(() => wal().end > wal().flushed, { withinMs: 10_000 });
  const { flushed, end } = wal();
  const log = wal();
  cluster.powerOff(standby, nothing);
  assert.ok(flushed < end);
  assert.equal(log.end, flushed);
  cluster.node(standby).machine.fsyncMs = 0.1;
  cluster.powerOn(standby);
  await cluster.untilSteady();
  await cluster.run(5000);
  assert.deepEqual(cluster.violations(), []);
  assert.deepEqual(cluster.corrupted(), []);
});

test('the server of a standby is killed between write and flush: the kernel has what it wrote, and it goes on from there', async () => {
  const cluster = await simulate({ members, seed: 902, writeEveryMs: 50, settings }).untilSteady();
  const leader = cluster.primary() ?? '';
  const [standby = ''] = members.filter((name) => name !== leader);
  const wal = () => cluster.server(standby)?.wal ?? assert.fail('it does not run');
  cluster.node(standby).machine.fsyncMs = 400;
  await cluster.until(() => wal().end > wal().flushed, { withinMs: 10_000 });
  const { end } = wal();
  cluster.postgres(standby).kill();
  cluster.node(standby).machine.fsyncMs = 0.1;
  await cluster.until(() => cluster.server(standby)?.phase === 'ready', { withinMs: 60_000 });
  assert.ok(wal().flushed >= end);
  await cluster.untilSteady();
  assert.deepEqual(cluster.violations(), []);
});

test('the power goes as a copy is finished: what is not synced is lost, and no server ever opens the half of it', async () => {
  for (const afterMs of [0, 20, 60, 200]) {
    const cluster = await simulate({ members, seed: 903, writeEveryMs: 250, settings }).untilSteady();
    const leader = cluster.primary() ?? '';
    const [standby = ''] = members.filter((name) => name !== leader);
    cluster.mark();
    void cluster.ask(standby, 'POST', '/reinitialize', '{"force": true}');
    const { disk } = cluster.node(standby).machine;
    const control = '/var/lib/postgresql/15/main/global/pg_control';
    await cluster.until(() => disk.get(control) === null, { withinMs: 20_000 });
    await cluster.until(() => disk.get(control) !== null, { withinMs: 20_000 });
    await cluster.run(afterMs);
    cluster.powerOff(standby);
    await cluster.run(2000);
    cluster.powerOn(standby);
    await cluster.untilSteady();
    assert.deepEqual(cluster.corrupted(), []);
    assert.deepEqual(cluster.violations(), []);
  }
});

/** The mark of a copy under way lies beside it. Its removal must reach the disk before anybody relies on the copy. */
test('a copy is finished, its node leads, and all power goes: it comes back on what it had, not on another copy', async () => {
  const cluster = await simulate({ members, seed: 904, writeEveryMs: 250, settings }).untilSteady();
  const leader = cluster.primary() ?? '';
  const [copy = ''] = members.filter((name) => name !== leader);
  void cluster.ask(copy, 'POST', '/reinitialize', '{"force": true}');
  const cloned = () => cluster.journal(copy).some((entry) => entry.kind === 'job' && entry.step === 'emptied');
  await cluster.until(cloned, { withinMs: 20_000 });
  await cluster.untilSteady();
  await cluster.run(6000); // its member key tells the others that it runs
  void cluster.ask(leader, 'POST', '/switchover', JSON.stringify({ leader, candidate: copy }));
  await cluster.until(() => cluster.primary() === copy, { withinMs: 20_000 });
  await cluster.run(1000);
  for (const name of members) cluster.powerOff(name, nothing);
  cluster.mark();
  for (const name of members) cluster.powerOn(name);
  await cluster.untilSteady();
  assert.ok(!cluster.rulesOf(copy).includes('data.partial'), cluster.rulesOf(copy).join(' '));
  assert.deepEqual(cluster.violations(), []);
});

/** pg_basebackup cleans up when it fails, and does not wait for the disk. [seed 0x15fc0] */
test('a copy fails, and the power goes: what its clean-up removed comes back, or not, and nobody is needed for that', async () => {
  for (const kept of [1, 2, 3, 5]) {
    const cluster = await simulate({ members, seed: 905, writeEveryMs: 250, settings }).untilSteady();
    const leader = cluster.primary() ?? '';
    const [standby = ''] = members.filter((name) => name !== leader);
    cluster.mark();
    void cluster.ask(standby, 'POST', '/reinitialize', '{"force": true}');
    const { disk } = cluster.node(standby).machine;
    await cluster.until(() => disk.get('/var/lib/postgresql/15/main/global/pg_control') === null, { withinMs: 20_000 });
    await cluster.until(() => disk.get('/var/lib/postgresql/15/main/global') !== null, { withinMs: 20_000 });
    cluster.postgres(leader).kill();
    const failed = () =>
      cluster
        .journal(standby)
        .some((entry) => entry.kind === 'job' && entry.job === 'clone' && entry.outcome === 'failed');
    await cluster.until(failed, { withinMs: 20_000 });
    cluster.powerOff(standby, (changes) => Math.min(changes, kept));
    await cluster.run(2000);
    cluster.powerOn(standby);
    await cluster.untilSteady();
    assert.ok(!cluster.rulesOf(standby).includes('data.unreadable'), cluster.rulesOf(standby).join(' '));
  }
});
