import {
  bootIdPath,
  disarmedState,
  type GuardEntry,
  guardianPidFile,
  readAsk,
  socketFile,
  writeNote,
  writeReply,
} from '../codec/guard.ts';
import type { GuardAsk, GuardState } from '../model/guard.ts';
import { instantMs, leaseId, type Pid, pid as pidOf, term } from '../model/units.ts';
import type { Cancel, Command, Connection, World } from '../model/world.ts';
import { makeActs } from './acts.ts';
import { makeAgentWatch } from './agentWatch.ts';
import { judgeDeadline, judgeLowering, whyNotDisarm } from './judge.ts';
import { type Keep, restoreState, sentinelLives, writeState } from './keep.ts';
import { controlState, runningOn, wasTold } from './postmaster.ts';
import { makeQuick } from './quick.ts';
import { strikeWhilePassed } from './strike.ts';

export type GuardianWorld = Pick<World, 'clock' | 'files' | 'processes' | 'sockets'>;

export interface GuardianOptions {
  readonly dataDir: string;
  readonly stateDir: string;
  readonly version: string;
  readonly controldataProgram: string;
  /** How an agent that died is started again; null: somebody else does. */
  readonly agentRestart: Command | null;
  /** The agent that started this; it says hello as well. */
  readonly agentPid: Pid | null;
  /** Hears of each act: a line of the journal. */
  readonly note: (entry: GuardEntry) => void;
  /** How a short text is kept; unless told: by an ordinary write. */
  readonly keep?: Keep;
}

export type Guardian =
  | {
      readonly kind: 'running';
      /** Settles when it was told to leave; the text says why. */
      readonly ended: Promise<string>;
      /** Ends unless armed. */
      endUnlessArmed(why: string): boolean;
    }
  | { readonly kind: 'refused'; readonly why: string };

const unheardMax = 50;

/**
 * The second process: one deadline, one data directory. It knows nothing of etcd, leaders and leases but the instant
 * after which PostgreSQL must not run here, and it acts on nothing else.
 */
export async function runGuardian(world: GuardianWorld, options: GuardianOptions): Promise<Guardian> {
  const { clock, files, processes, sockets } = world;
  const { dataDir, stateDir } = options;
  const keep: Keep = options.keep ?? files.write;
  const me = { pid: processes.myPid, version: options.version };

  const lock = await files.lock(`${stateDir}/guardian.lock`);
  if (lock.kind === 'held') return { kind: 'refused', why: `another guardian holds ${stateDir}/guardian.lock` };
  if (lock.kind === 'failed') return { kind: 'refused', why: lock.why };
  const { release } = lock;
  const boot = await files.read(bootIdPath);
  if (boot.kind !== 'text') return { kind: 'refused', why: `${bootIdPath} cannot be read` };
  const bootId = boot.text.trim();

  const listeners = new Set<Connection>();
  /** What was done while no agent was there to hear. */
  const unheard: GuardEntry[] = [];
  const { act, written } = makeActs(world, `${stateDir}/guardian.log`, (entry) => {
    options.note(entry);
    for (const listener of listeners) listener.send(writeNote(entry));
    if (listeners.size === 0 && unheard.push(entry) > unheardMax) unheard.shift();
  });
  const agent = makeAgentWatch(world, { restart: options.agentRestart, logPath: `${stateDir}/agent.log`, act });

  let state: GuardState = await restoreState(files, stateDir, { bootId, dataDir }, act);
  let timer: Cancel | null = null;
  let striking = false;
  let ended = false;
  let settle: (why: string) => void = () => undefined;
  const end = new Promise<string>((resolve) => {
    settle = resolve;
  });

  const notThese = (): readonly Pid[] => [pidOf(1), me.pid, agent.pid() ?? me.pid];

  /** Sets the one timer to the one deadline. */
  function arm(): void {
    timer?.();
    timer = state.deadlineMs === null || ended ? null : clock.at(state.deadlineMs, () => void strike());
  }

  async function strike(): Promise<void> {
    if (striking) return;
    striking = true;
    try {
      await strikeWhilePassed(world, {
        dataDir,
        stateDir,
        controldataProgram: options.controldataProgram,
        deadlineMs: () => (ended ? null : state.deadlineMs),
        notThese,
        act,
      });
    } catch (error) {
      act(`the strike failed, and begins again: ${error}`);
      await clock.sleep(50);
    }
    striking = false;
    arm(); // the deadline moved forward while the last look was under way
  }

  /** On disk first, in force then: what the sentinel reads is never behind what the agent was told. */
  async function change(next: GuardState): Promise<string | null> {
    const outcome = await writeState(keep, stateDir, next);
    if (outcome.kind === 'failed') return `the state cannot be written: ${outcome.why}`;
    state = next;
    arm();
    return null;
  }

  type AskOfDeadline = Extract<GuardAsk, { ask: 'deadline' | 'lower' }>;

  const stateOf = (ask: AskOfDeadline) => ({
    ...state,
    deadlineMs: instantMs(ask.deadlineMs),
    term: term(BigInt(ask.term)),
    lease: leaseId(BigInt(ask.lease)),
    ttlMs: ask.ttlMs,
    sentMs: instantMs(ask.sentMs),
  });

  async function deadline(ask: AskOfDeadline): Promise<string | null> {
    const next = stateOf(ask);
    const verdict = judgeDeadline(state, next, clock.now());
    if (verdict === 'passed') return 'that instant has passed';
    if (verdict === 'kept') return null;
    const before = state;
    const failed = await change(next);
    if (failed === null && before.term !== next.term)
      act('armed', [
        ['deadlineMs', ask.deadlineMs],
        ['leftMs', Math.round(ask.deadlineMs - clock.now())],
        ['term', ask.term],
      ]);
    return failed;
  }

  async function lower(ask: AskOfDeadline): Promise<string | null> {
    const next = stateOf(ask);
    const verdict = judgeLowering(state, next, clock.now());
    if (typeof verdict === 'object') return verdict.why;
    if (verdict === 'kept') return null;
    const byMs = Math.round((state.deadlineMs ?? next.deadlineMs) - next.deadlineMs);
    const failed = await change(next);
    if (failed === null)
      act('the deadline is an earlier one', [
        ['deadlineMs', ask.deadlineMs],
        ['byMs', byMs],
        ['term', ask.term],
      ]);
    return failed;
  }

  async function disarm(paused: boolean): Promise<string | null> {
    if (state.deadlineMs === null) return null;
    if (!paused) {
      const quick = makeQuick(clock);
      const { postmaster, others } = await runningOn(world, quick, dataDir, notThese(), true);
      const why = whyNotDisarm({
        running: postmaster !== null || others.length > 0,
        told: postmaster !== null && (await wasTold(files, quick, stateDir, postmaster)),
        starting: await sentinelLives(world, stateDir),
        state: await controlState(processes, options.controldataProgram, dataDir),
      });
      if (why !== null) return why;
    }
    const failed = await change(disarmedState(bootId, dataDir));
    if (failed === null) act('disarmed', paused ? [['paused', true]] : []);
    return failed;
  }

  async function answer(ask: GuardAsk): Promise<string | null> {
    switch (ask.ask) {
      case 'hello':
        return agent.watch(pidOf(ask.agentPid)) ? null : `there is no process ${ask.agentPid}`;
      case 'deadline':
        return deadline(ask);
      case 'lower':
        return lower(ask);
      case 'disarm':
        return disarm(ask.paused === true);
      case 'leave':
        return disarm(false);
      case 'bye':
        agent.letGo();
        return null;
      default:
        return ask satisfies never;
    }
  }

  function finish(why: string): void {
    if (ended) return;
    ended = true;
    timer?.();
    agent.letGo();
    act(`the guardian ends: ${why}`);
    if (listening.kind === 'listening') listening.close();
    void written().then(() => {
      release();
      settle(why);
    });
  }

  async function hear(line: string, connection: Connection): Promise<void> {
    const asked = readAsk(line);
    if (asked.kind === 'wrong') return connection.send(writeReply(asked.id, asked.why, me, state));
    const why = await answer(asked.ask);
    connection.send(writeReply(asked.ask.id, why, me, state));
    if (asked.ask.ask === 'hello') for (const entry of unheard.splice(0)) connection.send(writeNote(entry));
    if (asked.ask.ask === 'leave' && why === null) finish('told to leave');
  }

  // Before anybody can ask: the sentinel's file says the same as this process, and who holds the place can be read.
  const unwritten = await change(state);
  if (unwritten !== null) act(unwritten);
  arm();
  await keep(guardianPidFile(stateDir), `${me.pid} ${processes.describe(me.pid)?.startTicks}\n`, 0o600);

  // One ask after the other, whoever asks: a deadline and a disarming must not overtake each other.
  let turn: Promise<void> = Promise.resolve();
  const listening = await sockets.listen(socketFile(stateDir), (connection) => {
    listeners.add(connection);
    connection.onClosed(() => listeners.delete(connection));
    connection.onLine((line) => {
      turn = turn.then(() => hear(line, connection)).catch((error) => act(`an ask failed: ${error}`));
    });
  });
  if (listening.kind === 'failed') {
    release();
    return { kind: 'refused', why: listening.why };
  }

  act('the guardian begins', [
    ['pid', me.pid],
    ['version', me.version],
    ['armedLeftMs', state.deadlineMs === null ? null : Math.round(state.deadlineMs - clock.now())],
  ]);
  if (options.agentPid !== null) agent.begin(options.agentPid);
  return {
    kind: 'running',
    ended: end,
    endUnlessArmed(why) {
      if (state.deadlineMs === null) finish(why);
      return state.deadlineMs === null;
    },
  };
}
