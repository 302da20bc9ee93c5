import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LocalSettings } from '../../src/model/settings.ts';
import { simulate } from '../../src/sim/cluster.ts';

const withSockets =
  (folder: string) =>
  (file: LocalSettings): LocalSettings => {
    const { section } = file.postgres;
    const parameters = { ...(section.parameters as object), unix_socket_directories: folder };
    return { ...file, postgres: { ...file.postgres, section: { ...section, parameters } } };
  };

for (const who of ['a replica', 'the primary'] as const)
  test(`${who} cannot start for a setting: once that is mended, and read again, it is started at once, and no pause is waited for`, async () => {
    const members = who === 'a replica' ? ['n1', 'n2', 'n3'] : ['n1'];
    const cluster = await simulate({ members, seed: 91, writeEveryMs: 250 }).untilSteady();
    await cluster.run(5_000);
    const leader = cluster.primary() ?? '';
    const one = members.find((name) => who === 'the primary' || name !== leader) ?? '';
    const node = cluster.node(one);
    node.edit(withSockets('/nowhere'));
    node.signal('agent', 'HUP');
    await cluster.run(2_000);
    cluster.postgres(one).kill();
    await cluster.run(125_000);
    assert.equal(cluster.server(one), null);
    node.edit(withSockets('/tmp'));
    node.signal('agent', 'HUP');
    await cluster.until(() => cluster.server(one)?.phase === 'ready', { withinMs: 3_000 });
    await cluster.untilSteady();
    assert.deepEqual(cluster.violations(), []);
  });
