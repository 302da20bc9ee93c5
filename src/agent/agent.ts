import { blankMemory } from '../decide/decide.ts';
import { deadmanAtMs } from '../decide/timing.ts';
import type { AgentHandles, Snapshot } from '../model/agent.ts';
import type { Entry, Fact } from '../model/decision.ts';
import type { Watchdog } from '../model/guard.ts';
import type { LocalSettings } from '../model/settings.ts';
import type { Command, World } from '../model/world.ts';
import { makeAhead } from './ahead.ts';
import { makeCallbacks } from './callbacks.ts';
import { makeConfiguration } from './configuration.ts';
import { makeCrashes } from './crashes.ts';
import { makeDcs } from './dcs/dcs.ts';
import { makeDeadman } from './deadman.ts';
import { makeFailsafe } from './failsafe/failsafe.ts';
import { makeGuardLink } from './guard/link.ts';
import { makeHearClients } from './incidents/clients.ts';
import { makeIncidents } from './incidents/store.ts';
import { makeJobRunner } from './jobs.ts';
import { makeJournal } from './journal.ts';
import { makeLeftLease } from './leftLease.ts';
import { runLoop } from './loop.ts';
import { makeMailbox } from './mailbox.ts';
import { makeNameCheck } from './nameCheck.ts';
import { makeObserve } from './observe.ts';
import { makePeers } from './peers.ts';
import { makeLoad } from './postgres/load.ts';
import type { JobContext } from './postgres/parts.ts';
import { makePostgres, type SentinelPrefix } from './postgres/postgres.ts';
import { makePremise } from './premise.ts';
import { makeRehearsals, pastIn } from './rehearsals.ts';
import { makeReports } from './reports/store.ts';
import { makeWakes } from './wakes.ts';

export interface AgentOptions {
  readonly local: LocalSettings;
  readonly version: string;
  /** A name for this run of the agent: tells it from another that bears the same member name. */
  readonly instance: string;
  /** The last /config document kept on disk; null: none. */
  readonly cachedDynamicText: string | null;
  /** Reads the configuration file again; a text says what is wrong with it. */
  readonly readLocal: () => Promise<LocalSettings | string>;
  /** How to start the guardian. */
  readonly guardian: Command;
  /** Argv before the postmaster's; null: none. */
  readonly sentinel: SentinelPrefix | null;
  /** The kernel's watchdog device; null: not used. */
  readonly watchdog: Watchdog | null;
  readonly tell: (entry: Entry) => void;
}

const guardLimitMs = 500;
/** Whoever waits for the others' answers asks again and again: they are not asked more often than this. */
const askedLatelyMs = 200;

export interface Agent {
  readonly handles: AgentHandles;
  /** Runs until it ends; the exit code and why. */
  run(): Promise<{ readonly code: number; readonly message: string }>;
}

/** The shipped agent: the parts, wired. The simulator runs this very function. */
export function makeAgent(world: World, options: AgentOptions): Agent {
  const { local } = options;
  const { clock } = world;
  const { stateDir } = local;
  const wakes = makeWakes(clock);
  const { wake } = wakes;
  const startedMs = clock.now();
  const journal = makeJournal(world, `${stateDir}/journal.jsonl`, options.tell);
  const hearClients = makeHearClients(world, () => settings().local.probes);
  const incidents = makeIncidents(world, { scope: local.scope, node: local.name, stateDir }, hearClients);
  journal.subscribe(incidents.hear);
  const note = (level: 'info' | 'warning' | 'error', text: string, because: readonly Fact[] = []): void =>
    journal.record({ kind: 'note', level, text, because });
  const configuration = makeConfiguration(local, options.cachedDynamicText, {
    now: clock.now,
    warn: (text) => note('warning', text),
  });
  const { settings } = configuration;
  const dcs = makeDcs(world, { settings, marginMs: configuration.marginMs, wake, note });
  const guard = makeGuardLink(world, {
    stateDir,
    dataDir: local.postgres.dataDir,
    watchdog: local.watchdog,
    version: options.version,
    device: options.watchdog,
    sentinel: options.sentinel === null ? null : { ...options.sentinel, graceMs: configuration.sentinelGraceMs },
    launchGuardian: options.guardian,
    note,
    wake,
  });
  const reports = makeReports(world, stateDir, note);
  const postgres = makePostgres(world, {
    settings,
    reports,
    note,
    wake,
    sentinel: options.sentinel,
    sentinelGraceMs: configuration.sentinelGraceMs,
    step: (job, step, facts) => journal.record({ kind: 'job', job, step, outcome: 'step', because: facts }),
  });
  const peers = makePeers(world, { headers: () => ({}), wake });
  const mailbox = makeMailbox(clock, wake);
  const premise = makePremise({ clock, dcs, settings, guard: guard.view });
  const announceTimeline: JobContext['announceTimeline'] = async (id, { term }) => {
    if (term === null) return null;
    const told = await dcs.announceTimeline(id, term);
    return told.kind === 'done' ? null : told.why;
  };
  const failsafe = makeFailsafe(world, {
    stateDir,
    ttlMs: () => settings().cluster.ttlMs,
    dcs,
    seen: () => snapshot?.seen ?? null,
    extended,
    note,
    wake,
  });
  const jobs = makeJobRunner({
    clock,
    journal,
    perform: (job, signal, progress, cause) =>
      postgres.perform(job, { signal, premise, progress, announceTimeline, cause }),
    ended(job) {
      mailbox.jobEnded(job);
      wake(`job:${job.job.kind}`);
    },
  });
  const leftLease = makeLeftLease(world, { stateDir, dataDir: local.postgres.dataDir });
  const crashes = makeCrashes(world, { stateDir, note });
  const ahead = makeAhead(world, { stateDir, note });
  const callbacks = makeCallbacks(world, settings, (text) => note('warning', text));

  const deadman = makeDeadman(clock, () => {
    const board = jobs.board();
    const promoting = board.kind === 'busy' && board.job.kind === 'promote';
    const seen = snapshot?.seen.postgres;
    // The lease is long given up, and what runs here is a standby again.
    if (dcs.held() === null && !promoting && seen?.kind === 'running' && seen.role === 'standby') return;
    journal.record({
      kind: 'guard',
      step: 'the dead-man switch stops PostgreSQL: no renewal was proven in time',
      because: [],
    });
    void postgres.strike((stage) => journal.record({ kind: 'guard', step: `dead-man switch: ${stage}`, because: [] }));
    wake('deadman');
  });
  let snapshot: Snapshot | null = null;
  const watchers = new Set<() => void>();
  let exit: { code: number; message: string } | null = null;

  const handles: AgentHandles = {
    snapshot: () => snapshot,
    onSnapshot(receive) {
      watchers.add(receive);
      return () => watchers.delete(receive);
    },
    fenceDeadlineMs: () => dcs.held()?.deadlineMs ?? null,
    fencedByMembers: () => dcs.held()?.byMembers === true,
    now: clock.now,
    wallMs: clock.wall,
    journal: { recent: journal.recent, around: journal.around, subscribe: journal.subscribe },
    mailbox: { ask: mailbox.ask },
    dcs: { read: () => dcs.read(1_400), put: (key, value, modRevision) => dcs.put(key, value, modRevision) },
    wake,
    askPeers: () => peers.ask(askedLatelyMs, 'eager'),
    incidents: incidents.recent,
    promise: failsafe.promise,
    reports: reports.recent,
    rehearse: makeRehearsals({
      snapshot: () => snapshot,
      marginMs: () => configuration.marginMs(settings().cluster.ttlMs),
      past: () => pastIn(incidents.recent()),
    }),
    load: makeLoad(world, settings, () => {
      const seen = snapshot?.seen.postgres;
      return seen?.kind === 'running' && seen.role === 'primary';
    }),
    instance: options.instance,
  };

  async function run(): Promise<{ code: number; message: string }> {
    note('info', `agent ${options.version} begins`, [
      ['member', local.name],
      ['scope', local.scope],
      ['dataDir', local.postgres.dataDir],
    ]);
    void incidents.load();
    void reports.load();
    // PostgreSQL and its guard first: whoever runs here must be known before anybody is asked about it.
    await guard.open();
    await postgres.forgetPromotion();
    const restored = guard.restored();
    if (restored !== null) {
      dcs.adopt(restored);
      if (restored.deadlineMs !== null) deadman.setAt(deadmanAtMs(restored.deadlineMs, settings().cluster));
    }
    const left = await leftLease.take();
    if (restored === null && left !== null) dcs.adopt(left);
    await failsafe.load();
    dcs.start();
    const observe = makeObserve({
      clock,
      dcs,
      postgres,
      peers,
      failsafe: failsafe.view,
      mailbox,
      configuration,
      guard: guard.view,
      board: jobs.board,
      startedMs,
      nameCheck: makeNameCheck(world, { name: local.name, instance: options.instance }),
    });
    await runLoop({
      clock,
      wakes,
      journal,
      mailbox,
      observe,
      firstMemory: { ...blankMemory, ...(await crashes.load()), divergence: await ahead.load() },
      ended: () => exit !== null,
      publish: (next) => {
        snapshot = { ...next, version: options.version };
        crashes.keep(next.seen.memory);
        ahead.keep(next.seen.memory);
        for (const receive of watchers) receive();
      },
      hands: {
        clock,
        dcs,
        postgres,
        guard,
        jobs,
        peers,
        failsafe,
        configuration,
        callbacks,
        lastStatus: () => (snapshot?.seen.dcs.kind === 'reachable' ? snapshot.seen.dcs.cluster.status : null),
        role: () => snapshot?.seen.memory.callbackRole?.role ?? 'replica',
        deadlineMoved: (deadlineMs) =>
          deadlineMs === null ? deadman.stop() : deadman.setAt(deadmanAtMs(deadlineMs, settings().cluster)),
        note,
        async reloadFile() {
          const next = await options.readLocal();
          if (typeof next === 'string') {
            note('error', `the configuration file was not taken over: ${next}`);
            return { kind: 'failed', why: next };
          }
          configuration.reload(next);
          return { kind: 'done' };
        },
        exit: (code, message) => {
          exit = { code, message };
        },
      },
    });
    return finish();
  }

  /** Without etcd: the deadline moved all the same. Dead-man switch and guardian hear of it, in this order. */
  async function extended(): Promise<void> {
    const held = dcs.held();
    if (held === null) return;
    deadman.setAt(deadmanAtMs(held.deadlineMs, settings().cluster));
    const told = await guard.setDeadline(held, guardLimitMs);
    if (told.kind !== 'done') note('warning', `the guardian did not hear of the promises: ${told.why}`);
  }

  /** Goes on past errors: an agent that ends must not leave half of itself behind. */
  async function finish(): Promise<{ code: number; message: string }> {
    const ended = exit ?? { code: 0, message: 'ended' };
    note(ended.code === 0 ? 'info' : 'error', `agent ends: ${ended.message}`);
    deadman.stop();
    reports.close();
    const held = dcs.held();
    if (settings().cluster.pause && held !== null) await leftLease.leave(held);
    dcs.stop();
    await callbacks.close();
    await postgres.close();
    await guard.close();
    await journal.flushed();
    await incidents.flushed();
    await crashes.flushed();
    await ahead.flushed();
    return ended;
  }

  return { handles, run };
}
