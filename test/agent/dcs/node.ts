import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDcs } from '../../../src/agent/dcs/dcs.ts';
import { keysOf } from '../../../src/codec/dcs/keys.ts';
import type { DcsView } from '../../../src/model/cluster.ts';
import type { MemberRecord } from '../../../src/model/decision.ts';
import type { EtcdOp, EtcdTransport } from '../../../src/model/world.ts';
import { makeClock } from '../../../src/world/clock.ts';
import { makeEtcdTransport } from '../../../src/world/etcd/transport.ts';
import { makeFiles } from '../../../src/world/files.ts';
import { folderUntilExit } from '../../support/folder.ts';

export const marginMs = 500;
export const clock = makeClock();

/** One agent's dealings with etcd, on a transport of its own. */
export function makeNode(
  name: string,
  urls: readonly string[],
  options: {
    readonly scope: string;
    ttlMs?: number;
    etcd?: EtcdTransport;
    login?: { username: string; password: string };
  },
) {
  const etcd = options.etcd ?? makeEtcdTransport({ tls: null });
  const settings = {
    endpoints: urls,
    srv: null,
    useProxies: true,
    username: null,
    password: null,
    tls: null,
    ...options.login,
  };
  const keys = keysOf('service', options.scope);
  const stateDir = folderUntilExit(join(tmpdir(), 'matriarch-dcs-'));
  const wakes: string[] = [];
  const notes: string[] = [];
  let ttlMs = options.ttlMs ?? 5_000;
  let woken = (): void => {};
  const dcs = makeDcs(
    { clock, chance: { below: () => 0, hex: () => '' }, etcd, files: makeFiles() }, // the first endpoint is asked first
    {
      settings: () => ({
        local: { namespace: 'service', scope: options.scope, name, etcd: settings, stateDir },
        cluster: { ttlMs, synchronousMode: 'on' },
      }),
      marginMs: () => marginMs,
      wake(reason) {
        wakes.push(reason);
        woken();
      },
      note: (_level, text) => void notes.push(text),
    },
  );

  async function reach(): Promise<Extract<DcsView, { kind: 'reachable' }>> {
    const view = await dcs.read(3_000);
    if (view.kind !== 'reachable') throw new Error(`etcd is unreachable: ${view.why}`);
    return view;
  }

  return {
    name,
    dcs,
    keys,
    etcd,
    wakes,
    notes,
    reach,
    setTtl(ms: number): void {
      ttlMs = ms;
    },
    /** Publishes itself, reads, acquires. */
    async lead() {
      await dcs.publishMember(member(name), 3_000);
      const { cluster } = await reach();
      return dcs.acquire(cluster.revision, 3_000);
    },
    /** Somebody else's hand on etcd. */
    async meddle(...ops: EtcdOp[]): Promise<void> {
      for (const url of urls) {
        const reply = await etcd.call(url, 'txn', { compare: [], success: ops, failure: [] }, 1_000, null);
        if (reply.kind === 'answered') return;
      }
      throw new Error('no endpoint answered');
    },
    /** Resolves when a wake with this reason has come since the call. */
    woken(reason: string): Promise<void> {
      const from = wakes.length;
      return new Promise((resolve) => {
        woken = () => {
          if (wakes.slice(from).includes(reason)) resolve();
        };
      });
    },
    close(): void {
      dcs.stop();
      for (const url of urls) etcd.cut(url);
    },
  };
}

export type Node = ReturnType<typeof makeNode>;

export async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await clock.sleep(50);
}

export const member = (name: string): MemberRecord => ({
  name,
  connUrl: `postgres://127.0.0.1:5432/postgres`,
  apiUrl: 'http://127.0.0.1:8008/patroni',
  proxyUrl: null,
  state: 'running',
  role: 'replica',
  version: '4.1.4',
  checkpointAfterPromote: null,
  tags: {},
  pendingRestart: false,
  pendingRestartReason: null,
  xlogLocation: null,
  replayLsn: null,
  receiveLsn: null,
  replicationState: null,
  timeline: null,
  scheduledRestart: null,
  pause: false,
  other: {},
});
