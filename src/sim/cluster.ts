import { keysOf } from '../codec/dcs/keys.ts';
import type { Observed, Write } from '../model/history.ts';
import { setApart } from '../model/laws/lapses.ts';
import { judge } from '../model/laws.ts';
import type { LocalSettings } from '../model/settings.ts';
import { pid, revision } from '../model/units.ts';
import { makeChance } from './chance.ts';
import { curl } from './curl.ts';
import { makeEngine } from './engine.ts';
import { makeEtcd } from './etcd/etcd.ts';
import { forbidRealTime } from './forbid.ts';
import { makeHttpRoutes } from './http.ts';
import { makeMachine } from './machine.ts';
import { makeMember } from './member.ts';
import { makeNetwork } from './network.ts';
import type { SimulatedNode } from './node.ts';
import { makeObserver } from './observer.ts';
import type { PeerVersion } from './patroni/settings.ts';
import { corruptedStandbys } from './postgres/corrupted.ts';
import { type Instance, makePostgresWorld } from './postgres/instance.ts';
import { rowsOf } from './postgres/wal.ts';
import './postgres/agentAnswers.ts';
import { installPrograms } from './programs.ts';
import { postgresPort } from './settings.ts';
import { drawnFrom } from './unsynced.ts';
import { makeMachineWatchdog } from './watchdog.ts';
import type { SimulatedCluster, Told } from './words.ts';
import { makeWorld } from './world.ts';
import { writerProgram } from './writer.ts';

export type { SimulatedCluster } from './words.ts';

export interface SimulateOptions {
  readonly members: readonly string[];
  readonly seed: number;
  /** First content of /config, over the defaults of a run. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Between two appends of one node's writer; null: nobody writes. */
  readonly writeEveryMs?: number | null;
  /** Members that are Patronis, and of which version; all others are Matriarch's. */
  readonly patronis?: Readonly<Record<string, PeerVersion>>;
  /** What a member's file says other than those of the others, as it is when an agent reads it. */
  readonly files?: Readonly<Record<string, Partial<LocalSettings>>>;
  /** Each machine has a watchdog device, and is on again this long after that reset it. */
  readonly watchdogs?: { readonly resetMs: number };
}

/** Of the slowest guard: the sentinel acts half the margin of the shortest ttl after the deadline, and looks every 50 ms. */
const sentinelFenceMs = 750;
/** How long after all guards were frozen one may need, whichever it is, until it has acted. */
const awakenedMs = 2_600;
const keys = keysOf('service', 'sim');
const leaderPath = keys.leader;
const patroniAheadMs = 500;
/** Without failsafe mode, unless a run asks for it: what etcd's absence leads to is to be seen. */
const defaults = {
  ttl: 30,
  loop_wait: 10,
  retry_timeout: 10,
  maximum_lag_on_failover: 1_048_576,
  failsafe_mode: false,
};
const postgresDefaults = {
  use_pg_rewind: true,
  use_slots: true,
  parameters: { wal_level: 'replica', hot_standby: 'on', wal_log_hints: 'on' },
};

export function simulate(options: SimulateOptions): SimulatedCluster {
  const { members, seed, settings = {}, writeEveryMs = 1000, patronis = {}, files = {}, watchdogs } = options;
  const engine = makeEngine();
  const chance = makeChance(seed);
  const network = makeNetwork(engine, chance.fork('network'), () => members);
  const drift = chance.fork('drift');
  const machines = members.map((name) =>
    makeMachine(engine, chance.fork(name), name, {
      rate: 1 + drift.between(-1e-4, 1e-4),
      bootedMs: Math.round(drift.between(60_000, 1e7)),
    }),
  );
  const etcd = makeEtcd(engine, chance.fork('etcd'), network, machines);
  const told: Told[] = [];
  const trace = (node: string, text: string): void => void told.push({ atMs: engine.now(), node, text });
  const postgresWorld = makePostgresWorld(engine, network, chance.fork('postgres'), machines, trace);
  const surroundings = { network, etcd, postgres: postgresWorld, http: makeHttpRoutes(machines) };
  const observed: Observed[] = [];
  const unanswered = new Set<Write>();
  const dcs = { ...defaults, postgresql: postgresDefaults, ...settings };

  const startWriter = (machine: (typeof machines)[number]): void => {
    if (writeEveryMs === null) return;
    const program = writerProgram({
      worldOf: (self) => makeWorld(surroundings, machine, self),
      node: machine.name,
      port: postgresPort,
      everyMs: writeEveryMs,
      nowMs: engine.now,
      // Before the first leader there is nobody to write to: the server that bootstraps is up before it leads.
      mayBegin: () => etcd.store.events(revision(2n), etcd.store.revision()).some((event) => event.key === leaderPath),
      sent(write) {
        unanswered.add(write);
        return (answered) => {
          unanswered.delete(write);
          if (answered !== null) observed.push(answered);
        };
      },
    });
    machine.processes.spawn({
      parent: pid(1),
      executable: '/usr/bin/writer',
      start: { args: [], env: {}, input: '' },
      cwd: '/',
      program,
    });
  };

  const nodes = new Map(
    machines.map((machine) => {
      installPrograms(machine, postgresWorld);
      if (watchdogs !== undefined)
        machine.watchdog = makeMachineWatchdog(engine, () => reset(machine.name, watchdogs.resetMs));
      return [
        machine.name,
        makeMember(machine, patronis[machine.name], {
          surroundings,
          trace,
          dcs,
          file: () => files[machine.name] ?? {},
        }),
      ] as const;
    }),
  );
  const boot = (node: SimulatedNode, agentAfterMs = 0): void => {
    etcd.start(node.name);
    if (agentAfterMs === 0) node.startAgent();
    else engine.after(agentAfterMs, node.startAgent);
    startWriter(node.machine);
  };
  // A Patroni is slow to begin: in some runs it is the first all the same, and makes the cluster.
  const isPatroniFirst = Object.keys(patronis).length > 0 && chance.fork('first').happens(0.4);
  for (const node of nodes.values()) boot(node, isPatroniFirst && node.runs === 'matriarch' ? patroniAheadMs : 0);

  const observer = makeObserver(engine, etcd, postgresWorld, [...nodes.values()], keys, network);
  const nodeOf = (name: string): SimulatedNode => {
    const found = nodes.get(name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  };
  const server = (name: string): Instance | null => postgresWorld.serverAt(name, postgresPort);
  const isPrimary = (name: string): boolean => {
    const one = server(name);
    return one !== null && one.phase === 'ready' && !one.inRecovery;
  };
  const primaries = (): readonly string[] => members.filter(isPrimary);
  const primary = (): string | null => (primaries().length === 1 ? (primaries()[0] ?? null) : null);
  let markedMs = 0;
  let powerCuts = 0;

  function steady(): boolean {
    const leader = primary();
    if (leader === null) return false;
    const streaming = [...(server(leader)?.senders ?? [])].map((sender) => sender.host);
    // A walsender outlives its standby by up to a minute when that one has lost its power: both ends are asked.
    const receives = (name: string): boolean =>
      server(name)?.receiver?.status === 'streaming' && streaming.includes(name);
    return members.every((name) => name === leader || receives(name)) && leaderKey() === leader;
  }
  function leaderKey(): string | null {
    const found = etcd.store.range(leaderPath);
    return found.kind === 'kvs' ? (found.kvs[0]?.value ?? null) : null;
  }

  async function until(holds: () => boolean, { withinMs }: { readonly withinMs: number }): Promise<void> {
    const came = await forbidRealTime(() => engine.run(engine.now() + withinMs, holds));
    if (!came)
      throw new Error(
        `not so within ${withinMs} ms (seed ${seed}):\n${cluster.story().split('\n').slice(-60).join('\n')}`,
      );
  }

  function reset(name: string, offMs: number): void {
    trace(name, 'the watchdog resets the machine');
    cluster.powerOff(name);
    engine.after(offMs, () => cluster.powerOn(name));
  }

  const cluster: SimulatedCluster = {
    engine,
    chance,
    network,
    etcd,
    postgresWorld,
    nodes,
    node: nodeOf,
    run: async (ms) => void (await forbidRealTime(() => engine.run(engine.now() + ms))),
    until,
    async untilSteady(withinMs = 120_000) {
      await until(steady, { withinMs });
      cluster.mark();
      return cluster;
    },
    steady,
    primary,
    primaries,
    timeline: () => server(primary() ?? '')?.wal.timeline ?? null,
    server,
    postgres: (name) => ({
      kill: (signal = 'SIGKILL') => void nodeOf(name).signal('postgres', signal === 'SIGKILL' ? 'KILL' : 'QUIT'),
    }),
    agent: (name) => ({
      kill(options) {
        const node = nodeOf(name);
        node.restartAgentAfterMs = options === undefined ? 1000 : options.restartAfterMs;
        node.signal('agent', 'KILL');
      },
      freeze: () => void nodeOf(name).signal('agent', 'STOP'),
      thaw: () => void nodeOf(name).signal('agent', 'CONT'),
      start: () => nodeOf(name).startAgent(),
    }),
    guardian: (name) => ({
      kill: () => void nodeOf(name).signal('guardian', 'KILL'),
      freeze: () => void nodeOf(name).signal('guardian', 'STOP'),
      thaw: () => void nodeOf(name).signal('guardian', 'CONT'),
    }),
    async ask(name, method, path, body = '') {
      const reply = await curl(surroundings, nodeOf(name).machine, { method, path, body });
      const { kind, ...answer } =
        reply.kind === 'answered' ? reply : { kind: reply.kind, status: 0, headers: {}, body: reply.why };
      trace(name, `${method} ${path} ${body}: ${answer.status} ${answer.body.slice(0, 200)}`);
      return kind === 'answered' ? answer : null;
    },
    powerOff(name, keeps) {
      trace(name, 'power off');
      powerCuts++;
      nodeOf(name).machine.powerOff(keeps ?? drawnFrom(chance.fork(`power cut ${powerCuts}`)));
      network.forget(name);
      network.silence(name, false);
    },
    suspend(name) {
      trace(name, 'stands still');
      nodeOf(name).machine.suspend();
      network.silence(name, true);
    },
    wake(name) {
      trace(name, 'goes on');
      nodeOf(name).machine.wake();
      network.silence(name, false);
    },
    powerOn(name) {
      trace(name, 'power on');
      nodeOf(name).machine.powerOn();
      boot(nodeOf(name));
    },
    rulesOf(name) {
      const { clock } = nodeOf(name).machine;
      const rules = nodeOf(name).journal.flatMap((entry) =>
        entry.kind === 'decided' && clock.trueMs(entry.atMs) >= markedMs ? [entry.rule] : [],
      );
      return rules.filter((rule, i) => rule !== rules[i - 1]);
    },
    mark: () => {
      markedMs = engine.now();
    },
    journal: (name) => nodeOf(name).journal,
    history() {
      const leader = primary();
      const wal = leader === null ? null : server(leader)?.wal;
      const held = new Map<string, number[]>();
      const done = [...observed, ...unanswered];
      for (const one of done) if (one.kind === 'write') held.set(one.key, []);
      for (const [key, value] of wal == null ? [] : rowsOf(wal, wal.flushed)) held.get(key)?.push(Number(value));
      const seen = [...done, ...observer.observed()];
      if (leader === null) return seen;
      return [...seen, ...[...held].map(([key, values]) => ({ kind: 'holding', node: leader, key, values }) as const)];
    },
    writesSince(ms) {
      const last = observed.findLast((one): one is Write => one.kind === 'write' && one.outcome === 'acknowledged');
      return last !== undefined && last.sentMs > ms;
    },
    corrupted: () => [
      ...corruptedStandbys(primary(), members.map(server)),
      ...[...postgresWorld.openedMixed].map((name) => `${name} opened a directory that a tool had not finished`),
    ],
    timelinesBegun: () => postgresWorld.begun,
    tell: trace,
    told: () => told,
    violations: (lossMs = 60_000) =>
      judge(cluster.history(), {
        fenceMs: sentinelFenceMs,
        loss: lossMs === 0 ? { kind: 'none' } : { kind: 'tail', ms: lossMs },
      }),
    judged: (lossMs) => setApart(cluster.violations(lossMs), cluster.history(), awakenedMs),
    story() {
      const lines = [
        ...told.map(({ atMs, node, text }) => [atMs, `${atMs.toFixed(3)} ${node} ${text}`] as const),
        ...[...nodes.values()].flatMap((node) =>
          node.journal.map((entry) => {
            const atMs = node.machine.clock.trueMs(entry.atMs);
            return [atMs, `${atMs.toFixed(3)} ${node.name} ${JSON.stringify(entry)}`] as const;
          }),
        ),
      ];
      return lines
        .sort(([a], [b]) => a - b)
        .map(([, line]) => line)
        .join('\n');
    },
  };
  return cluster;
}
