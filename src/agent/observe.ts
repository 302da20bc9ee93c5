import { etcdAnswerMs } from '../decide/timing.ts';
import type { DcsView } from '../model/cluster.ts';
import type { FailsafeView } from '../model/failsafe.ts';
import type { GuardView } from '../model/guard.ts';
import type { JobBoard } from '../model/job.ts';
import type { Memory, NameCheck, Observation } from '../model/observation.ts';
import type { TimelineEnd } from '../model/postgres.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { InstantMs, Timeline } from '../model/units.ts';
import type { Clock } from '../model/world.ts';
import type { ConfigurationKeeper } from './configuration.ts';
import type { Dcs } from './dcs/dcs.ts';
import type { Mailbox } from './mailbox.ts';
import type { Peers } from './peers.ts';
import type { Postgres } from './postgres/postgres.ts';

export interface Senses {
  readonly clock: Clock;
  readonly dcs: Dcs;
  readonly postgres: Postgres;
  readonly peers: Peers;
  readonly failsafe: () => FailsafeView;
  readonly mailbox: Mailbox;
  readonly configuration: ConfigurationKeeper;
  readonly guard: () => GuardView;
  readonly board: () => JobBoard;
  readonly startedMs: InstantMs;
  readonly nameCheck: (dcs: DcsView) => Promise<NameCheck>;
}

/** Once the clients go there is time again. */
function readBudgetMs({ clock, dcs, failsafe }: Senses, cluster: ClusterSettings, board: JobBoard): number {
  const isStopping = board.kind === 'busy' && board.job.kind === 'stop';
  return etcdAnswerMs(cluster, isStopping ? null : dcs.held(), clock.now(), failsafe());
}

/** Reads everything in parallel, each with its own limit, and freezes it. */
export function makeObserve(senses: Senses): (memory: Memory) => Promise<Observation> {
  let history: { timeline: Timeline; lines: readonly TimelineEnd[] } | null = null;

  async function localHistory(timeline: Timeline): Promise<readonly TimelineEnd[]> {
    if (history?.timeline !== timeline || history.lines.length === 0)
      history = { timeline, lines: await senses.postgres.localHistory(timeline) };
    return history.lines;
  }

  return async (memory) => {
    const beganMs = senses.clock.now();
    const { cluster } = senses.configuration.settings();
    // A job that ends while we look would show a world that never was, half before and half after it: whoever was at work
    // when the look began counts as at work still. Its end has woken the loop already.
    const before = senses.board();
    const budgetMs = readBudgetMs(senses, cluster, before);
    // While this node steps down: the key goes at the first look that shows PostgreSQL down and a successor with all there is.
    if (before.kind === 'busy' && before.job.kind === 'stop' && before.job.successors !== undefined)
      senses.peers.ask(20, 'eager');
    const [dcs, postgres] = await Promise.all([senses.dcs.read(budgetMs), senses.postgres.look()]);
    const name = await senses.nameCheck(dcs);
    if (dcs.kind === 'reachable') {
      senses.configuration.adopt(dcs.cluster);
      const { local } = senses.configuration.settings();
      senses.peers.setMembers(dcs.cluster.members.filter((member) => member.name !== local.name));
    }
    const { loopWaitMs, pause } = senses.configuration.settings().cluster;
    // In pause people start servers, whatever an agent has done before.
    if (postgres.kind === 'running' && postgres.role === 'primary' && !pause) senses.dcs.noneReleasedBefore();
    senses.peers.ask(loopWaitMs * 0.9, 'quiet');
    const lines =
      postgres.kind === 'running' && postgres.role === 'primary' && postgres.timeline > 1
        ? await localHistory(postgres.timeline)
        : [];
    return Object.freeze({
      nowMs: senses.clock.now(),
      beganMs,
      wallMs: senses.clock.wall(),
      postgres,
      health: senses.postgres.health(),
      dcs,
      held: senses.dcs.held(),
      guard: senses.guard(),
      peers: senses.peers.reports(),
      failsafe: senses.failsafe(),
      jobs: before.kind === 'busy' ? before : senses.board(),
      asks: senses.mailbox.asks(),
      settings: senses.configuration.settings(),
      settingsSinceMs: senses.configuration.changedMs(),
      startedMs: senses.startedMs,
      name,
      published: senses.dcs.published(),
      unapplied: senses.configuration.unapplied(),
      localHistory: lines,
      memory,
    });
  };
}
