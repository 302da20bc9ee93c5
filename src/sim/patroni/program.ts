import { keysOf } from '../../codec/dcs/keys.ts';
import type { World } from '../../model/world.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import type { SimProcess } from '../process.ts';
import { makePeerApi } from './api.ts';
import { makeElection } from './election.ts';
import { DcsError, makePeerEtcd } from './etcd.ts';
import { makeHa } from './ha.ts';
import type { PeerParts } from './life.ts';
import { makeRejoin } from './rejoin.ts';
import { makeServer } from './server.ts';
import { makeSession } from './session.ts';
import { isBefore4, type PeerDynamic, type PeerSettings, readDynamic } from './settings.ts';
import { makeView } from './view.ts';

export interface PeerSurroundings {
  serve(answer: (request: HttpRequest) => Promise<HttpAnswer>): void;
  trace(text: string): void;
}

/** Replicas stay behind the leader's loop by this, so that they find what it wrote. */
const behindLeaderMs = 500;

/** One life of a Patroni: from its start to SIGTERM, SIGKILL, or an exit of its own. */
export async function runPeer(
  self: SimProcess,
  world: World,
  settings: PeerSettings,
  { serve, trace }: PeerSurroundings,
): Promise<void> {
  const { clock } = world;
  const keys = keysOf(settings.namespace, settings.scope);
  let dynamic = readDynamic(JSON.stringify(settings.dcs)) as PeerDynamic;
  let stopping = false;
  let exited = false;
  let wakeUp = (): void => {};
  let woken = false;
  const wake = (): void => {
    woken = true;
    wakeUp();
  };

  const etcd = makePeerEtcd(world, settings.endpoints);
  const view = makeView(world, etcd, keys, (kind) => {
    if (kind === 'leader' || kind === 'config' || (kind === 'status' && !ha.leads())) wake();
  });
  const server = makeServer(world, settings, () => dynamic.parameters, trace);
  const parts: PeerParts = {
    world,
    settings,
    keys,
    view,
    server,
    session: makeSession(world, etcd, view, {
      keys,
      name: settings.name,
      ttlMs: () => dynamic.ttlMs,
      loopWaitMs: () => dynamic.loopWaitMs,
      retryTimeoutMs: () => dynamic.retryTimeoutMs,
      putsUnconditionally: isBefore4(settings.version),
    }),
    rejoin: makeRejoin(world, settings, server, trace),
    election: makeElection(world, settings.name, () => dynamic),
    dynamic: () => dynamic,
    adopt(given) {
      dynamic = given;
    },
    trace,
    wake,
    exit(code, why) {
      trace(`ends: ${why}`);
      exited = true;
      self.exit(code);
    },
  };
  const ha = makeHa(parts);

  const stop = (): void => {
    stopping = true;
    wake();
  };
  self.onSignal('TERM', stop);
  self.onSignal('INT', stop);
  self.onSignal('HUP', wake);

  await nameIsFree();
  if (exited) return;
  serve(makePeerApi(parts, ha));
  for (let nextMs: number = clock.now(); !stopping && !exited; ) {
    woken = false;
    await ha.cycle();
    nextMs = Math.max(nextMs + dynamic.loopWaitMs, clock.now());
    const extraMs = ha.leads() ? 0 : behindLeaderMs;
    await sleepUntil(nextMs + extraMs);
    if (woken) nextMs = clock.now();
  }
  if (exited) return;
  await ha.shutDown();
  self.exit(0);

  /** Whoever answers under my name at the address that it published keeps it. */
  async function nameIsFree(): Promise<void> {
    for (;;) {
      try {
        const cluster = await view.cluster(dynamic.retryTimeoutMs);
        const url = cluster.members.find((one) => one.name === settings.name)?.apiUrl ?? null;
        const liveness = url?.replace(/\/patroni$/, '/liveness') ?? null;
        const reply = liveness === null ? null : await world.http.request(liveness, { method: 'GET', limitMs: 3000 });
        if (reply?.kind === 'answered') parts.exit(1, 'there is already a node of this name');
        return;
      } catch (error) {
        if (!(error instanceof DcsError)) throw error;
        await clock.sleep(5000);
      }
    }
  }

  function sleepUntil(atMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (woken || stopping) return resolve();
      wakeUp = resolve;
      void clock.sleep(Math.max(0, atMs - clock.now())).then(resolve);
    });
  }
}
