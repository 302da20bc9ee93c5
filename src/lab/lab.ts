import { join } from 'node:path';
import { refuseFakeClocks } from './faults/clocks.ts';
import { makeSlowDisks, type SlowDisks } from './faults/disk.ts';
import { type Forwarding, makeForwarding } from './forward.ts';
import type { Ground, Machine } from './ground.ts';
import { makeLoopback } from './loopback.ts';
import { makeNamespaces } from './namespaces.ts';
import { type LabNode, makeNode, type NodeHooks } from './node.ts';
import { type KeptBy, removePlace, takePlace, writeState } from './place.ts';
import { type LabPlan, type PlanOptions, planLoopback, planNamespaces } from './plan.ts';
import { identityOf, signal } from './procfs.ts';
import { until } from './run.ts';
import { brief, isHealthy, type LabStatus, lookAtLab, sightOf } from './status.ts';
import { type LabTraffic, noTraffic, startTraffic } from './traffic.ts';

export interface LabOptions extends PlanOptions {
  /** Default: a new /var/tmp/matriarch-lab-<number>. */
  readonly dir?: string;
  /** A writer and a reader on the client; default false. */
  readonly traffic?: boolean;
  /** Namespaces as root, loopback otherwise, unless told. */
  readonly ground?: Ground['kind'];
  /** Told to who finds it; `run` unless told: only a lab with a desk takes orders. */
  readonly keptBy?: KeptBy;
  readonly say?: (text: string) => void;
  /** Called as soon as there is something to take down: `end` may be called at any time, also before the lab is up. */
  readonly began?: (end: () => Promise<void>) => void;
}

export interface Lab {
  readonly dir: string;
  readonly plan: LabPlan;
  readonly kind: Ground['kind'];
  readonly nodes: readonly LabNode[];
  readonly client: LabNode;
  readonly slowDisks: SlowDisks;
  /** Nodes and the client by name; throws for others. */
  node(name: string): LabNode;
  status(): Promise<LabStatus>;
  /** Looks again and again until the predicate holds; throws with the last status when the limit passed. */
  waitFor(
    holds: (status: LabStatus) => boolean,
    limitMs: number,
    what: string,
    signal?: AbortSignal,
  ): Promise<LabStatus>;
  /** One leader, and all others stream on its timeline. */
  waitHealthy(limitMs: number, signal?: AbortSignal): Promise<LabStatus>;
  /** The host's file with the output of a service of a node, or of what the client runs. */
  logPath(node: string, service: string): string;
  /** Ends everything and removes the folder. Can be called twice. */
  down(): Promise<void>;
}

/** Makes a lab and starts all that is on it; it is not yet healthy then. Whatever fails, nothing is left behind. */
export async function makeLab(options: LabOptions = {}): Promise<Lab> {
  const started: Started = { dir: null, groundPid: null, ground: null, forwarding: null };
  let wanted = true;
  let ending: Promise<void> | null = null;
  const stillWanted = (): void => {
    if (!wanted) throw new Error('the lab was taken down while it was being made');
  };
  const down = (): Promise<void> => {
    wanted = false;
    ending ??= end(started, making);
    return ending;
  };
  const making = make(options, started, { down, stillWanted });
  options.began?.(down);
  try {
    return await making;
  } catch (error) {
    await down();
    throw error;
  }
}

/** What there is to take down. */
interface Started {
  dir: string | null;
  groundPid: number | null;
  ground: Ground | null;
  forwarding: Forwarding | null;
}

async function end(started: Started, making: Promise<unknown>): Promise<void> {
  if (started.groundPid !== null) signal(started.groundPid, 'SIGKILL'); // what is still being made fails at once
  await making.catch(() => {});
  await started.ground?.end();
  await started.forwarding?.end();
  if (started.dir !== null) await removePlace(started.dir);
}

async function make(options: LabOptions, started: Started, life: Pick<Site, 'down' | 'stillWanted'>): Promise<Lab> {
  const say = options.say ?? (() => {});
  const kind = options.ground ?? (process.getuid?.() === 0 ? 'namespaces' : 'loopback');
  if (options.fakeClocks === true) refuseFakeClocks(kind);
  const keptBy = options.keptBy ?? 'run';
  const dir = await takePlace(options.dir ?? null, keptBy, say);
  started.dir = dir;
  const plan = kind === 'namespaces' ? planNamespaces(options) : planLoopback(options, dir, 1 + (process.pid % 250));
  life.stillWanted();
  // A lab on loopback has HAProxy itself on the host's ports.
  const forwarding =
    kind === 'namespaces' && plan.ports !== null ? await makeForwarding(plan.ports, plan.haproxy) : null;
  started.forwarding = forwarding;
  const began = (pid: number): void => {
    started.groundPid = pid;
    writeState(dir, { ground: identityOf(pid), keptBy });
  };
  life.stillWanted();
  say(`making ${plan.nodes.length} machines and a client in ${dir}`);
  const ground =
    kind === 'namespaces'
      ? await makeNamespaces(plan, dir, { say, began, ...life })
      : await makeLoopback(plan, dir, say);
  started.ground = ground;
  life.stillWanted();
  return furnish({ plan, dir, ground, forwarding, say, traffic: options.traffic ?? false, ...life });
}

interface Site {
  readonly plan: LabPlan;
  readonly dir: string;
  readonly ground: Ground;
  readonly forwarding: Forwarding | null;
  readonly say: (text: string) => void;
  readonly traffic: boolean;
  down(): Promise<void>;
  stillWanted(): void;
}

async function furnish(site: Site): Promise<Lab> {
  const { plan, dir, ground, forwarding, say } = site;
  const logDir = join(dir, 'logs');
  let traffic: LabTraffic = noTraffic;
  const machines = plan.nodes.map((machinePlan) => ground.machine(machinePlan));
  const clientMachine = ground.machine(plan.client);

  const hooks: NodeHooks = {
    plan,
    logPath: (name, service) => join(logDir, `${name}-${service}.log`),
    async clientIsOn(machine: Machine) {
      forwarding?.enter(machine);
      if (site.traffic) traffic = await startTraffic(machine, plan, logDir);
    },
  };
  const nodes = machines.map((machine) => makeNode(machine, hooks));
  const client = makeNode(clientMachine, hooks);
  await Promise.all([...nodes, client].map((node) => node.powerOn()));
  site.stillWanted();
  say('etcd, agents and HAProxy are started');

  const status = (): Promise<LabStatus> =>
    lookAtLab(machines, clientMachine, (machine) => sightOf(plan, machine), traffic.look());
  const slowDisks = makeSlowDisks();

  const lab: Lab = {
    dir,
    plan,
    kind: ground.kind,
    nodes,
    client,
    slowDisks,
    node(name) {
      const found = [...nodes, client].find((node) => node.name === name);
      if (found === undefined)
        throw new Error(`no machine ${name}; there are ${nodes.map((node) => node.name).join(', ')}, client`);
      return found;
    },
    status,
    async waitFor(holds, limitMs, what, signal) {
      let last: LabStatus | null = null;
      const found = await until(
        async () => {
          site.stillWanted();
          last = await status();
          return holds(last) ? last : null;
        },
        limitMs,
        200,
        signal,
      );
      if (found !== null) return found;
      throw new Error(`${what}: not within ${limitMs / 1000} s; ${last === null ? 'no status' : brief(last)}`);
    },
    waitHealthy: (limitMs, signal) =>
      lab.waitFor((seen) => isHealthy(seen, plan.nodes.length), limitMs, 'one leader and all others streaming', signal),
    logPath: hooks.logPath,
    async down() {
      slowDisks.end();
      await site.down();
    },
  };
  return lab;
}
