import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Clients, startClients } from '../../src/lab/clients.ts';
import { judge } from '../../src/model/laws.ts';
import { type Acts, actsOn } from './acts.ts';
import { makeStage, type Stage } from './stage.ts';

/** Synchronous modes on real servers, switched on in a cluster that is at work: not one acknowledged commit may be lost. */
const ttlMs = 6_000;
let stage: Stage;
let acts: Acts;
before(async () => {
  stage = await makeStage({ ttlS: ttlMs / 1_000 });
  acts = actsOn(stage);
});
after(() => stage?.end());

const api = 'http://localhost:8008';
const curl = async (node: string, ...args: readonly string[]): Promise<string> =>
  (await stage.lab.node(node).exec(['curl', '-sS', ...args])).stdout;

interface Sync {
  readonly leader: string | null;
  readonly sync_standby: string | null;
  readonly quorum: number;
}
/** Null: there is no such key. */
async function syncOf(node: string): Promise<Sync | null> {
  const { plan } = stage.lab;
  const key = Buffer.from(`/service/${plan.scope}/sync`).toString('base64');
  const { address } = stage.lab.node(node).machine.plan;
  const text = await curl(node, '-d', JSON.stringify({ key }), `http://${address}:2379/v3/kv/range`);
  const { kvs = [] } = JSON.parse(text) as { readonly kvs?: readonly { readonly value: string }[] };
  const [found] = kvs;
  return found === undefined ? null : (JSON.parse(Buffer.from(found.value, 'base64').toString()) as Sync);
}

/** What the server waits for is what etcd promises, and the standbys are called so. */
async function inMode(leader: string, mode: 'on' | 'quorum'): Promise<readonly string[]> {
  const states = `select string_agg(application_name, ',' order by application_name) from pg_stat_replication
    where sync_state = '${mode === 'on' ? 'sync' : 'quorum'}'`;
  return stage.until(
    async () => {
      const sync = await syncOf(leader);
      const names = sync?.sync_standby?.split(',') ?? [];
      const count = mode === 'on' ? 1 : 2;
      if (sync?.leader !== leader || names.length !== count || sync.quorum !== count - 1) return null;
      const list = mode === 'on' ? names.join() : `ANY 1 (${names.join()})`;
      const [shown, called] = [
        await stage.sql(leader, 'show synchronous_standby_names'),
        await stage.sql(leader, states),
      ];
      return shown === list && called === names.join() ? names : null;
    },
    20_000,
    `${mode} in /sync, in the server's list, and in what it calls its standbys`,
  );
}

async function setMode(leader: string, mode: boolean | 'quorum' | null): Promise<void> {
  await curl(leader, '-XPATCH', '-d', JSON.stringify({ synchronous_mode: mode }), `${api}/config`);
}

/** The writes of two clients, one over HAProxy, against what the last primary holds. */
async function nothingIsLost(clients: Clients): Promise<void> {
  const leader = await stage.healthy();
  await clients.stop();
  const holdings = await Promise.all(
    clients.keys.map(async (key) => {
      const text = `select string_agg(value::text, ',' order by id) from matriarch_traffic where key = '${key}'`;
      const values = (await stage.sql(leader, text)).split(',').map(Number);
      return { kind: 'holding', node: leader, key, values } as const;
    }),
  );
  const history = [...clients.history(), ...holdings];
  const acknowledged = history.filter((seen) => seen.kind === 'write' && seen.outcome === 'acknowledged');
  assert.ok(acknowledged.length > 200, `${acknowledged.length} writes were acknowledged`);
  assert.deepEqual(
    judge(history, { fenceMs: 0, loss: { kind: 'none' } }).filter(({ law }) => law === 2),
    [],
  );
}

test('switched on: one standby is waited for, and everybody is told', async () => {
  const leader = await stage.healthy();
  await setMode(leader, true);
  const [standby = ''] = await inMode(leader, 'on');
  await stage.until(
    async () => (await curl(standby, '-o/dev/null', '-w%{http_code}', `${api}/sync`)) === '200',
    15_000,
    `GET /sync on ${standby}`,
  );
  await stage.until(
    async () => JSON.parse(await curl(leader, `${api}/patroni`)).matriarch.copies === 2,
    5_000,
    'the leader tells of two copies',
  );
  const listed = await stage.lab.node(leader).exec(['patronictl', '-c', '/etc/postgresql/matriarch.yml', 'list']);
  assert.match(listed.stdout, new RegExp(`${standby}.*Sync Standby`), listed.stderr);
});

test('the standby that is waited for loses its power: commits go on with the other', async () => {
  const leader = await stage.healthy();
  const [standby = ''] = await inMode(leader, 'on');
  const other = (await stage.standbys()).find((name) => name !== standby) ?? '';
  await stage.lab.node(standby).powerOff();
  await stage.until(async () => (await syncOf(leader))?.sync_standby === other, 15_000, `${other} is waited for`);
  await stage.sql(leader, 'create table if not exists kept (n int); insert into kept values (1)');
  await stage.lab.node(standby).powerOn();
  await stage.witness(standby);
  await acts.rowArrives();
});

test('the primary loses its power under load: who was waited for leads, and nothing is lost', async () => {
  const leader = await stage.healthy();
  const [standby = ''] = await inMode(leader, 'on');
  const clients = await startClients(stage.lab, 'sync');
  assert.ok(await clients.untilSteady(30_000));
  await stage.lab.node(leader).powerOff();
  const next = await acts.takenOverFrom(leader, 4 * ttlMs, async () => {
    await stage.lab.node(leader).powerOn();
    await stage.witness(leader);
  });
  assert.equal(next, standby);
  await nothingIsLost(clients);
  await inMode(next, 'on');
});

test('quorum: any of them will do; the primary is cut off under load, and nothing is lost', async () => {
  const leader = await stage.healthy();
  await setMode(leader, 'quorum');
  await inMode(leader, 'quorum');
  const clients = await startClients(stage.lab, 'quorum');
  assert.ok(await clients.untilSteady(30_000));
  await stage.lab.node(leader).cut();
  const next = await acts.takenOverFrom(leader, 4 * ttlMs, () => stage.lab.node(leader).heal());
  await nothingIsLost(clients);
  await inMode(next, 'quorum');
});

test('switched off: the key is gone, and nobody is waited for', async () => {
  const leader = await stage.healthy();
  await setMode(leader, null);
  await stage.until(async () => (await stage.sql(leader, 'show synchronous_standby_names')) === '', 10_000, 'no list');
  assert.equal(await syncOf(leader), null);
  await acts.rowArrives();
  await acts.lawful();
});
