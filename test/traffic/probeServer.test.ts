import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { readGaps } from '../../src/codec/probe.ts';
import type { Finding } from '../../src/traffic/probe/ledger.ts';
import { makeProbeWriter } from '../../src/traffic/probe/writer.ts';
import { bundle } from '../support/bundle.ts';
import { outside, until } from './support/outside.ts';
import { makeServer, type Server } from './support/server.ts';

let primary: Server;
let standby: Server;
let program: string;

before(async () => {
  primary = await makeServer(null);
  primary.start();
  standby = await makeServer(primary);
  standby.start();
  program = await bundle('bin/matriarch.ts');
});
after(() => {
  standby?.remove();
  primary?.remove();
});

async function ask(server: Server, text: string): Promise<string | null> {
  const connected = await outside.sql.connect(server.target, 5_000);
  assert.ok(connected.kind === 'connected');
  const result = await connected.session.query({ name: 'test', text }, 5_000);
  connected.session.close();
  assert.ok(result.kind === 'rows', JSON.stringify(result));
  return result.rows[0]?.answer ?? null;
}

/** The command as people start it: bundled. */
function startProbe(...args: readonly string[]) {
  const child = spawn(process.execPath, [program, 'probe', ...args], {
    env: { ...process.env, PGPASSWORD: 'not-to-be-told', PGUSER: 'postgres' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const objects = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return {
    objects,
    output: () => text + errors,
    of: (kind: string, way?: string) =>
      objects().filter((one) => one.kind === kind && (way === undefined || one.path?.kind === way)),
    end(): Promise<number | null> {
      child.kill('SIGINT');
      return exited;
    },
  };
}

test('the command tells of a crash as it begins and ends, and its metrics count it', async () => {
  const port = String(primary.port);
  const flags = ['--rate', '20', '--gap-ms', '300', '--listen', '127.0.0.1:0', '--format', 'json'];
  const probe = startProbe('--write', port, '--read', `${port}`, ...flags);
  try {
    const told = (kind: string) => ['write', 'read'].map((way) => probe.of(kind, way).length);
    const more = (kind: string, than: readonly number[]) => told(kind).every((count, i) => count > (than[i] ?? 0));
    // An answer that took longer than --gap-ms, on a machine with much else to do, ends a gap and is told as that.
    const answers = () => told('firstAnswer').map((first, i) => first + (told('gapEnded')[i] ?? 0));
    await until('first answers', () => answers().every((count) => count > 0), probe.output);
    const at = `http://127.0.0.1:${probe.of('started')[0].port}`;
    const page = async (path: string) => (await fetch(`${at}${path}`)).text();
    const label = `{kind="write",target="127.0.0.1:${port}/postgres"}`;
    assert.ok((await page('/metrics')).includes(`matriarch_probe_up${label} 1\n`));

    const [begun, ended] = [told('gapBegan'), told('gapEnded')];
    primary.stop('immediate');
    await until('both ways are in a gap', () => more('gapBegan', begun));
    assert.ok((await page('/metrics')).includes(`matriarch_probe_up${label} 0\n`));
    assert.ok(readGaps(await page('/gaps'))?.some(({ kind, endedAgoMs }) => kind === 'write' && endedAgoMs === null));

    primary.start();
    await until('both are answered', () => more('gapEnded', ended));
    const metrics = await page('/metrics');
    assert.match(metrics, new RegExp(`matriarch_probe_gaps_total\\${label} [1-9]`));
    assert.match(metrics, /matriarch_probe_errors_total\{[^}]*error="(unreachable|lost|57P03)"\} [1-9]/);
    assert.match(metrics, /matriarch_probe_wrong_writes_total\{[^}]*what="lost"\} 0\n/);
    assert.equal((await fetch(`${at}/gaps`, { method: 'POST' })).status, 405);
    assert.ok(!`${metrics}${await page('/gaps')}`.includes('not-to-be-told'));
  } finally {
    assert.equal(await probe.end(), 0, probe.output());
  }
  assert.equal(probe.of('summary')[0]?.paths.length, 2);
  assert.deepEqual(probe.of('found'), []);
  assert.ok(!probe.output().includes('not-to-be-told'));
});

test('the table stays small, and a login that may create nothing is told what to do', async () => {
  const targets = [primary.target];
  const served: (string | null)[] = [];
  const common = { everyMs: 1, limitMs: 5_000, found: () => assert.fail('nothing is wrong') };
  const writer = makeProbeWriter(outside, targets, {
    ...common,
    run: 'small',
    served: ({ error }) => void served.push(error),
  });
  await until('1250 writes', () => served.length >= 1_250);
  await writer.stop();
  assert.deepEqual([...new Set(served)], [null]);
  const rows = Number(await ask(primary, "SELECT count(*) AS answer FROM matriarch_probe.appends WHERE run = 'small'"));
  assert.ok(rows >= 1_000 && rows <= 1_100, `${rows} rows`);

  await ask(primary, 'CREATE ROLE nobody LOGIN');
  const refused: (string | null)[] = [];
  const other = makeProbeWriter(outside, [{ ...primary.target, user: 'nobody' }], {
    ...common,
    run: 'refused',
    served: ({ error }) => void refused.push(error),
  });
  await until('a refusal', () => refused.length > 0);
  await other.stop();
  assert.equal(refused[0], '42501');
  await ask(primary, 'GRANT USAGE ON SCHEMA matriarch_probe TO nobody');
  await ask(primary, 'GRANT SELECT, INSERT, DELETE ON matriarch_probe.appends TO nobody');
  await ask(primary, 'GRANT USAGE ON SEQUENCE matriarch_probe.appends_id_seq TO nobody');
  const allowed: (string | null)[] = [];
  const third = makeProbeWriter(outside, [{ ...primary.target, user: 'nobody' }], {
    ...common,
    run: 'allowed',
    served: ({ error }) => void allowed.push(error),
  });
  await until('an answer', () => allowed.includes(null));
  await third.stop();
  assert.equal(allowed[0], null, 'whoever may write there needs no right to create');
});

test('writes that a failover loses are found, and told once', async () => {
  const found: Finding[] = [];
  const hosts: string[] = [];
  const written = (): number => hosts.length;
  const writer = makeProbeWriter(outside, [primary.target, standby.target], {
    everyMs: 5,
    limitMs: 2_000,
    run: 'failover',
    served: ({ outcome, host }) => {
      if (outcome === 'acknowledged' && host !== null) hosts.push(host);
    },
    found: (findings) => void found.push(...findings),
  });
  await until('20 writes', () => written() >= 20);
  standby.stop('fast');
  const behind = written();
  await until('20 writes that the standby lacks', () => written() >= behind + 20);
  primary.stop('immediate');
  standby.start();
  standby.promote();
  await until('the new primary is written to', () => hosts.at(-1) === `127.0.0.1:${standby.port}`);
  await until('what is lost is found', () => found.length > 0);
  const after = written();
  await until('20 more', () => written() >= after + 20);
  await writer.stop();
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['lost'],
  );
  assert.ok((found[0]?.values?.count ?? 0) >= 19, JSON.stringify(found));
});
