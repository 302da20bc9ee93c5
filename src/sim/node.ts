import { type Agent, makeAgent } from '../agent/agent.ts';
import { runGuardian } from '../guardian/guardian.ts';
import type { AgentHandles } from '../model/agent.ts';
import type { Entry } from '../model/decision.ts';
import type { LocalSettings } from '../model/settings.ts';
import { makeApi } from './api.ts';
import { keepInPlace } from './files.ts';
import type { Machine } from './machine.ts';
import type { Program, Signal, SimProcess } from './process.ts';
import { byRole, firstOf } from './roles.ts';
import { places } from './settings.ts';
import { makeWorld, type Surroundings } from './world.ts';

/** A database node: a machine on which the shipped agent and guardian run, or a Patroni. */
export interface SimulatedNode {
  readonly name: string;
  /** Whose agent it is: ours, or a Patroni that shares the cluster with ours. */
  readonly runs: 'matriarch' | 'patroni';
  readonly machine: Machine;
  readonly journal: readonly Entry[];
  /** The running agent's handles; null: it is not running. */
  handles(): AgentHandles | null;
  startAgent(): void;
  /** To the process of that role; false: it does not run. */
  signal(role: 'agent' | 'guardian' | 'postgres' | 'sentinel', signal: Signal): boolean;
  /** True time since when it runs and was not frozen; null: it does not. */
  runningSinceMs(role: 'agent' | 'guardian'): number | null;
  /** The same of whoever answers its REST API: a Patroni begins to once it has reached etcd. */
  answersSinceMs(): number | null;
  /** What an operator changes in the agent's file: it counts from its next reload or start on. */
  edit(change: (file: LocalSettings) => LocalSettings): void;
  /** As it is now. */
  file(): LocalSettings;
  /** Null: it does not run. */
  stateOf(role: 'agent' | 'guardian' | 'postgres' | 'sentinel'): 'running' | 'stopped' | null;
  /** What a service manager does: starts the agent this long after it ended; null: it stays down. */
  restartAgentAfterMs: number | null;
}

export interface NodeParts {
  readonly machine: Machine;
  /** What its file says when somebody reads it. */
  readonly readLocal: () => LocalSettings;
  readonly surroundings: Surroundings;
  readonly trace: (machine: string, text: string) => void;
}

const agentPath = '/usr/bin/matriarch-agent';
const guardianPath = '/usr/bin/matriarch-guardian';
const version = '0.1.0-sim';

export function makeNode({ machine, readLocal: asGiven, surroundings, trace }: NodeParts): SimulatedNode {
  const journal: Entry[] = [];
  let edited = (file: LocalSettings): LocalSettings => file;
  const readLocal = (): LocalSettings => edited(asGiven());
  let running: { readonly agent: Agent; readonly process: SimProcess } | null = null;

  const agentProgram: Program = (self) => {
    const world = makeWorld(surroundings, machine, self);
    const local = readLocal();
    self.onEnd((ending) => {
      if (running?.process === self) running = null;
      trace(machine.name, `agent ended: ${ending.kind === 'killed' ? ending.signal : `exit ${ending.code}`}`);
      const afterMs = node.restartAgentAfterMs;
      if (afterMs !== null && machine.powered())
        machine.engine.after(afterMs, () => machine.whenAwake(() => running === null && node.startAgent()));
    });
    void begin();

    async function begin(): Promise<void> {
      const lock = await world.files.lock(`${local.stateDir}/agent.lock`);
      if (lock.kind !== 'locked') return self.exit(1);
      const cached = await world.files.read(`${local.postgres.dataDir}/patroni.dynamic.json`);
      const agent = makeAgent(world, {
        local,
        version,
        instance: world.chance.hex(12),
        cachedDynamicText: cached.kind === 'text' ? cached.text : null,
        readLocal: async () => readLocal(),
        guardian: { program: guardianPath, args: [] },
        sentinel: { program: '/bin/sh', script: '/usr/lib/matriarch/sentinel.sh' },
        watchdog: machine.watchdog?.openFor(self) ?? null,
        tell: (entry) => void journal.push(entry),
      });
      if (self.state() === 'dead') return; // killed in this very event, before its promises drained
      running = { agent, process: self };
      const ask = agent.handles.mailbox.ask;
      self.onSignal('HUP', () => void ask({ kind: 'reload' }, { acceptedIsEnough: true, limitMs: 60_000 }));
      const stop = (): void => void ask({ kind: 'stop' }, { acceptedIsEnough: false, limitMs: 86_400_000 });
      self.onSignal('TERM', stop);
      self.onSignal('INT', stop);
      const { host, port } = local.rest.connectAddress;
      surroundings.http.serve(`${host}:${port}`, self, makeApi(agent.handles, local, world.clock));
      const ended = await agent.run();
      trace(machine.name, `agent: ${ended.message}`);
      self.exit(ended.code);
    }
  };

  const guardianProgram: Program = (self) => {
    const world = makeWorld(surroundings, machine, self);
    for (const signal of ['HUP', 'INT', 'TERM'] as const) self.onSignal(signal, () => {});
    void begin();

    async function begin(): Promise<void> {
      const guardian = await runGuardian(world, {
        dataDir: places.dataDir,
        stateDir: places.stateDir,
        version,
        controldataProgram: `${places.binDir}/pg_controldata`,
        agentPid: null,
        agentRestart: null,
        note: (entry) => trace(machine.name, `guardian: ${entry.step}`),
        keep: keepInPlace(machine, self),
      });
      if (guardian.kind === 'refused') return self.exit(75);
      self.onSignal('TERM', () => void guardian.endUnlessArmed('SIGTERM'));
      await guardian.ended;
      self.exit(0);
    }
  };

  machine.install('matriarch-agent', agentProgram);
  machine.install('matriarch-guardian', guardianProgram);
  for (const folder of [places.stateDir, '/var/lib/postgresql/15']) {
    machine.disk.makeDirectory(folder, 0o700, machine.clock.wall());
    machine.disk.sync(folder);
  }

  const nameOf = { agent: agentPath, guardian: guardianPath, postgres: `${places.binDir}/postgres` } as const;
  const find = (role: Parameters<SimulatedNode['signal']>[0]): SimProcess | undefined =>
    role === 'sentinel'
      ? machine.processes.all().find((one) => one.executable().endsWith('sentinel.sh'))
      : firstOf(machine, nameOf[role]);

  const node: SimulatedNode = {
    name: machine.name,
    runs: 'matriarch',
    machine,
    journal,
    handles: () => (running?.process.state() === 'dead' ? null : (running?.agent.handles ?? null)),
    edit(change) {
      const before = edited;
      edited = (file) => change(before(file));
    },
    file: readLocal,
    restartAgentAfterMs: 1000,
    answersSinceMs: () => node.runningSinceMs('agent'),
    ...byRole(machine, { executable: agentPath, program: agentProgram, mayStart: () => running === null }, find),
  };
  return node;
}
