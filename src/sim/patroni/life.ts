import type { Keys } from '../../codec/dcs/keys.ts';
import type { Cluster, Member } from '../../model/cluster.ts';
import { slotNameOf } from '../../model/slotName.ts';
import type { World } from '../../model/world.ts';
import type { PeerRole } from './documents.ts';
import type { Election } from './election.ts';
import { DcsError } from './etcd.ts';
import type { Rejoin } from './rejoin.ts';
import type { Looked, Server, Upstream } from './server.ts';
import type { Session } from './session.ts';
import type { PeerDynamic, PeerSettings } from './settings.ts';
import type { View } from './view.ts';

export interface PeerParts {
  readonly world: World;
  readonly settings: PeerSettings;
  readonly keys: Keys;
  readonly view: View;
  readonly session: Session;
  readonly server: Server;
  readonly rejoin: Rejoin;
  readonly election: Election;
  readonly dynamic: () => PeerDynamic;
  adopt(dynamic: PeerDynamic): void;
  trace(text: string): void;
  wake(): void;
  exit(code: number, why: string): void;
}

export type Life = ReturnType<typeof makeLife>;

/** What one run of a Patroni remembers from cycle to cycle, and the few things that all parts of it do. */
export function makeLife(parts: PeerParts) {
  const { world, settings, session, server, dynamic, trace } = parts;
  const { name } = settings;
  const remembered = {
    /** A belief; the truth is the query. */
    role: 'uninitialized' as PeerRole,
    looked: { kind: 'empty' } as Looked,
    systemId: null as string | null,
    /** The one long action that may run beside the loop. */
    busy: null as string | null,
    /** A start was tried: the next cycle judges it. */
    recovering: false,
    /** Once per outage. */
    recoveredAlone: false,
    /** It ran, and we did not stop it: found dead, it has crashed. */
    seenRunning: false,
    /** Whether its history is the leader's is not known. */
    mustCheck: true,
    /** The last view in which there was a leader: with the leader its member key ends, too. */
    before: null as Cluster | null,
    bootstrapping: false,
    /** By its own clock, after the last renewal that came through. */
    leaderUntilMs: 0,
  };
  const life = Object.assign(remembered, {
    background,
    renewed,
    leads,
    leaderMember,
    upstreamOf,
    demoteAtOnce,
    isPrimary,
  });

  function background(action: string, work: () => Promise<void>): void {
    if (life.busy !== null) return;
    life.busy = action;
    trace(action);
    const over = (): void => {
      life.busy = null;
      parts.wake();
    };
    void work().then(over, (error: unknown) => {
      if (!(error instanceof DcsError)) throw error;
      trace(`${action}: ${error.message}`);
      over();
    });
  }

  async function renewed(): Promise<boolean> {
    const held = await session.update();
    life.leaderUntilMs = held ? world.clock.now() + dynamic().ttlMs : 0;
    return held;
  }

  function leads(cluster: Cluster): boolean {
    return cluster.leader?.name === name;
  }
  function leaderMember(cluster: Cluster): Member | null {
    const leader = cluster.leader?.name;
    return cluster.members.find((one) => one.name === leader && one.host !== null && one.name !== name) ?? null;
  }
  function upstreamOf(leader: Member | null): Upstream | null {
    if (leader === null) return null;
    return { host: leader.host ?? '', port: leader.port ?? settings.postgresPort, slot: slotNameOf(name) };
  }
  function isPrimary(found: Looked): boolean {
    if (found.kind === 'running') return !found.inRecovery;
    return (
      (found.kind === 'silent' || found.kind === 'starting') && (life.role === 'primary' || life.role === 'promoted')
    );
  }

  /** immediate, or immediate-nolock: what was written since is rewound anyway. The next cycle brings it up again. */
  async function demoteAtOnce(why: string, release: boolean): Promise<void> {
    trace(`demoted at once: ${why}`);
    life.mustCheck = true;
    life.leaderUntilMs = 0;
    await server.stop('immediate');
    life.role = 'demoted';
    life.seenRunning = false;
    if (release) {
      await session.release();
      await world.clock.sleep(2000);
    }
    parts.wake();
  }

  return life;
}
