import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobContext } from '../../../src/agent/postgres/parts.ts';
import { makePostgres } from '../../../src/agent/postgres/postgres.ts';
import { makeReports } from '../../../src/agent/reports/store.ts';
import type { Job, Premise } from '../../../src/model/job.ts';
import type { Upstream } from '../../../src/model/postgres.ts';
import type { Settings } from '../../../src/model/settings.ts';
import type { EtcdTransport, World } from '../../../src/model/world.ts';
import { makeWorld } from '../../../src/world/world.ts';
import { settings as plainSettings } from '../../decide/settings.ts';

const noEtcd: EtcdTransport = {
  call: () => Promise.resolve({ kind: 'unsent', why: 'no etcd in this test' }),
  watch: () => ({ askProgress() {}, close() {} }),
  cut() {},
  resolveSrv: () => Promise.resolve([]),
};
export const world: World = makeWorld({ etcd: noEtcd });
export const noPremise: Premise = { term: null, leader: null, systemId: null };

export const stopFast = {
  kind: 'stop',
  mode: 'fast',
  budget: { immediateAtMs: null, killAtMs: null },
  checkpointFirst: false,
  why: 'test',
} as const;

/**
 * A PostgreSQL of one's own in a temporary folder, driven by the shipped jobs. Test files run side by side: `port` is used by no
 * other, and below 20,000, where the servers of other tests draw theirs.
 */
export function makeNode(
  folder: string,
  name: string,
  port: number,
  more: Readonly<Record<string, string>> = {},
  cluster: Partial<Settings['cluster']> = {},
) {
  const root = join(folder, name);
  const stateDir = join(root, 'state');
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const base = plainSettings(name);
  const parameters: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    cluster_name: 'test',
    wal_level: 'replica',
    hot_standby: 'on',
    max_connections: '30',
    max_wal_senders: '5',
    max_replication_slots: '5',
    wal_log_hints: 'on',
    unix_socket_directories: root,
    shared_buffers: '8MB',
    wal_retrieve_retry_interval: '200ms',
    ...more,
  };
  const login = (username: string) => ({ username, password: 'secret', ssl: {} });
  const settings: Settings = {
    ...base,
    cluster: { ...base.cluster, ...cluster },
    local: {
      ...base.local,
      stateDir,
      bootstrap: {
        dcs: {},
        initdb: [
          ['encoding', 'UTF8'],
          ['data-checksums', null],
          ['no-sync', null],
        ].slice(0, 2) as [string, string | null][],
        pgHba: ['host replication replicator 127.0.0.1/32 md5', 'host all all 127.0.0.1/32 md5'],
        postInit: null,
        users: [{ name: 'admin', password: 'admin', options: ['createrole', 'createdb'] }],
      },
      postgres: {
        ...base.local.postgres,
        listenAddresses: '127.0.0.1',
        port,
        connectAddress: { host: '127.0.0.1', port },
        dataDir: join(root, 'data'),
        configDir: join(root, 'data'),
        binDir: '/usr/lib/postgresql/15/bin',
        pgpass: join(root, 'pgpass'),
        superuser: login('postgres'),
        replication: login('replicator'),
      },
    },
    postgres: {
      ...base.postgres,
      parameters,
      commandLine: ['listen_addresses', 'port', 'cluster_name', 'wal_level', 'max_connections', 'max_wal_senders'].map(
        (one) => [one, parameters[one] ?? ''] as const,
      ),
    },
  };
  const wakes: string[] = [];
  const steps: string[] = [];
  const notes: string[] = [];
  const reports = makeReports(world, stateDir, () => {});
  const life = () =>
    makePostgres(world, {
      settings: () => settings,
      reports,
      note: (_level, text) => void notes.push(text),
      sentinel: null,
      sentinelGraceMs: () => 500,
      wake: (reason) => void wakes.push(reason),
      step: (job, step) => void steps.push(`${job}: ${step}`),
    });
  const postgres = life();
  const context: JobContext = {
    signal: new AbortController().signal,
    premise: () => Promise.resolve(null),
    progress() {},
    announceTimeline: () => Promise.resolve(null),
    cause: { rule: 'rejoin.stopped', because: [['leader', 'n1']] },
  };
  return {
    name,
    settings,
    postgres,
    /** An agent that begins over the same server. */
    life,
    reports,
    wakes,
    steps,
    notes,
    perform: (job: Job, more: Partial<JobContext> = {}) => postgres.perform(job, { ...context, ...more }),
    stop: () => postgres.perform(stopFast, context),
    upstream: (slot: string | null = null): Upstream => ({ member: name, host: '127.0.0.1', port, slot }),
    async sql(text: string): Promise<string> {
      const target = {
        host: '127.0.0.1',
        port,
        user: 'postgres',
        password: 'secret',
        database: 'postgres',
        ssl: {},
        applicationName: 'test',
      };
      const connected = await world.sql.connect(target, 2_000);
      if (connected.kind !== 'connected') throw new Error(JSON.stringify(connected));
      const result = await connected.session.query({ name: 'test', text }, 5_000);
      connected.session.close();
      if (result.kind !== 'rows') throw new Error(JSON.stringify(result));
      return Object.values(result.rows[0] ?? {}).join(',');
    },
    async end(): Promise<void> {
      await postgres.perform(
        {
          kind: 'stop',
          mode: 'immediate',
          budget: { immediateAtMs: null, killAtMs: world.clock.now() as never },
          checkpointFirst: false,
          why: 'the test is over',
        },
        context,
      );
      await postgres.close();
      reports.close();
    },
  };
}

export type TestNode = ReturnType<typeof makeNode>;

export const makeFolder = (): { path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'matriarch-pg-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};
