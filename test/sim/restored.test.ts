import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../src/sim/cluster.ts';
import { folderOf } from '../../src/sim/path.ts';
import { dataDirAt } from '../../src/sim/postgres/dataDir.ts';
import { places } from '../../src/sim/settings.ts';

const members = ['n1', 'n2', 'n3'] as const;

test('an agent dies as it copies, and people put a restored copy in its place: it is set aside, not emptied', async () => {
  const cluster = await simulate({ members, seed: 0x7e57, writeEveryMs: 250 }).untilSteady();
  await cluster.run(15_000);
  const leader = cluster.primary() ?? '';
  const node = members.find((name) => name !== leader) ?? '';
  const copied = () =>
    cluster.journal(node).filter((one) => one.kind === 'job' && one.step.startsWith('pg_basebackup')).length;
  const before = copied();
  void cluster.ask(node, 'POST', '/reinitialize', '{"force": true}');
  await cluster.until(() => copied() > before, { withinMs: 30_000 });
  const { machine } = cluster.node(node);
  cluster.powerOff(node);
  machine.disk.remove(places.dataDir);
  const theirs = cluster.node(leader).machine;
  const [control, wal] = [dataDirAt(theirs, places.dataDir).control(), dataDirAt(theirs, places.dataDir).wal()];
  assert.ok(control !== null && wal !== null);
  for (const folder of ['', '/global', '/base', '/pg_wal', '/pg_replslot', '/pg_tblspc'])
    machine.disk.makeDirectory(places.dataDir + folder, 0o700, machine.clock.wall());
  const restored = dataDirAt(machine, places.dataDir);
  for (const [name, text] of theirs.disk.tree(places.dataDir))
    if (name !== 'postmaster.pid') machine.disk.put(`${places.dataDir}/${name}`, text, 0o600, machine.clock.wall());
  restored.writeWal(wal);
  restored.writeControl({ ...control, state: 'shut down' });
  for (const [name] of machine.disk.tree(places.dataDir)) {
    const path = `${places.dataDir}/${name}`;
    for (const one of [path, folderOf(path), places.dataDir, folderOf(places.dataDir)]) machine.disk.sync(one);
  }
  cluster.powerOn(node);
  await cluster.untilSteady();
  assert.ok(machine.disk.names(`${places.dataDir}.old`)?.includes('global'));
  assert.deepEqual(cluster.violations(), []);
});
