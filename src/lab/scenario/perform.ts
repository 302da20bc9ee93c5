import {
  type Awaited,
  durationMs,
  type MachineVerb,
  type Services,
  type ServiceVerb,
  type ServiceWord,
  type Step,
  type Target,
} from '../../model/scenario.ts';
import type { Clients } from '../clients.ts';
import { setClock } from '../faults/clocks.ts';
import { giveBackConnections, useUpConnections } from '../faults/connections.ts';
import { relieve, renice, saturate } from '../faults/cpu.ts';
import { fillDisk, freeDisk } from '../faults/disk.ts';
import type { Lab } from '../lab.ts';
import type { LabNode } from '../node.ts';
import { ctlOn, sqlOn } from '../psql.ts';
import type { RightsWatch } from '../rights.ts';
import { delay, until } from '../run.ts';
import type { Service } from '../services.ts';
import type { Witnesses } from '../witness.ts';
import { type Cast, machinesOf } from './cast.ts';
import { handOver } from './handover.ts';
import { rotatePassword } from './rotate.ts';
import { load, type SideWorks, startPgbench } from './sideWork.ts';

export interface Stage {
  readonly lab: Lab;
  readonly cast: Cast;
  readonly witnesses: Witnesses;
  readonly clients: Clients;
  readonly sideWorks: SideWorks;
  readonly rights: RightsWatch;
  readonly ttlMs: number;
  /** Waits end by it. What is done to a machine is done to its end: half of it could not be mended. */
  readonly signal?: AbortSignal | undefined;
}

/** How long a step may wait for what it names. */
export const awaitLimitMs = (ttlMs: number): number => 4 * ttlMs + 60_000;

/** Done when the step has its effect. Throws when it has none. */
export async function perform(stage: Stage, step: Step): Promise<void> {
  const { lab, ttlMs } = stage;
  switch (step.kind) {
    case 'wait':
      return delay(durationMs(step.duration, ttlMs), stage.signal);
    case 'waitFor':
      return waitFor(stage, step.what);
    case 'waitForServices':
    case 'waitForEnd':
      return waitForServices(stage, step.what, step.kind === 'waitForEnd' ? 'ended' : 'run');
    case 'kill':
    case 'terminate':
    case 'freeze':
    case 'thaw':
    case 'start':
    case 'renice':
      return onServices(step.what.services, await machinesOf(lab, stage.cast, step.what.of), step.kind);
    case 'slowDisk':
      return together(stage, step.of, (node) => lab.slowDisks.slow(node, durationMs(step.by, ttlMs)));
    case 'setClock':
      return together(stage, step.of, (node) => setClock(node, durationMs(step.by, ttlMs)));
    case 'switchover':
    case 'failover': {
      const to = step.to === null ? null : await oneOf(stage, step.to);
      const afterMs = step.after === null ? null : durationMs(step.after, ttlMs);
      const over = handOver(lab, step.kind, { to, afterMs, asked: step.asked });
      // Struck by what follows it may well be refused.
      if (step.meanwhile) return void over.catch(() => {});
      return over;
    }
    case 'pause':
    case 'resume':
      return ask(lab, await anybody(stage), [step.kind, lab.plan.scope, '--wait']);
    case 'rotatePassword':
      return rotatePassword(lab, await leaderOf(stage));
    case 'transaction':
      return stage.sideWorks.transaction(await oneOf(stage, step.of), durationMs(step.duration, ttlMs));
    case 'dump':
      return stage.sideWorks.dump(await oneOf(stage, step.of), durationMs(step.duration, ttlMs));
    case 'pgbench':
      return startPgbench(lab, await oneOf(stage, step.of), durationMs(step.duration, ttlMs));
    case 'load':
      return load(lab, await leaderOf(stage), step.mb);
    default:
      return together(stage, step.of, onMachine(stage, step.kind));
  }
}

function onMachine(stage: Stage, kind: MachineVerb): (node: LabNode) => Promise<void> {
  const { lab } = stage;
  switch (kind) {
    case 'cut':
      return (node) => node.cut();
    case 'heal':
      return async (node) => {
        await node.machine.loseNothing();
        await node.heal();
      };
    case 'powerOff':
      return (node) => node.powerOff();
    case 'powerOn':
      return async (node) => {
        await node.powerOn();
        if (node.machine.plan.kind === 'node') await stage.witnesses.start(node.name);
      };
    case 'deafen':
      return (node) => node.machine.lose('in');
    case 'mute':
      return (node) => node.machine.lose('out');
    case 'saturate':
      return (node) => saturate(lab, node);
    case 'relieve':
      return async (node) => relieve(node);
    case 'fillDisk':
      return fillDisk;
    case 'freeDisk':
      return async (node) => freeDisk(node);
    case 'hastenDisk':
      return async (node) => lab.slowDisks.hasten(node);
    case 'stallFlushes':
      return (node) => lab.slowDisks.stall(node);
    case 'flushAgain':
      return async (node) => lab.slowDisks.flushAgain(node);
    case 'useUpConnections':
      return useUpConnections;
    case 'giveBackConnections':
      return async (node) => giveBackConnections(node);
    case 'restart':
      return (node) => ask(lab, node.name, ['restart', lab.plan.scope, node.name, '--force']);
    case 'reinit':
      return (node) => ask(lab, node.name, ['reinit', lab.plan.scope, node.name, '--force']);
    default:
      return kind satisfies never;
  }
}

const together = async (
  { lab, cast }: Stage,
  of: readonly Target[],
  work: (node: LabNode) => Promise<void>,
): Promise<void> => void (await Promise.all((await machinesOf(lab, cast, of)).map(work)));

async function oneOf({ lab, cast }: Stage, target: Target): Promise<string> {
  const [node] = await machinesOf(lab, cast, [target]);
  return node?.name ?? '';
}

export const serviceOf = (word: ServiceWord): Service => (word === 'postmaster' ? 'postgres' : word);

/** In the order in which they are named; frozen and killed ones on all machines first, so that nobody notices in between. */
async function onServices(words: readonly ServiceWord[], nodes: readonly LabNode[], verb: ServiceVerb): Promise<void> {
  for (const service of words.map(serviceOf))
    for (const node of nodes) {
      if (verb === 'renice') renice(node, service);
      else if (verb === 'terminate') await node.kill(service, 'TERM');
      else if (verb === 'start') await startUnlessRunning(node, service);
      // A frozen process that a guard has ended meanwhile has nothing left to thaw.
      else if (verb !== 'thaw' || node.process(service) !== null) await node[verb](service);
    }
}

/** A service manager, or the agent, may have been quicker. */
async function startUnlessRunning(node: LabNode, service: Service): Promise<void> {
  const gone = await until(() => (node.process(service) === null ? true : null), 500);
  if (gone !== null) await node.start(service);
}

async function waitForServices(
  { lab, cast, ttlMs, signal }: Stage,
  { services, of }: Services,
  wanted: 'run' | 'ended',
): Promise<void> {
  const limitMs = awaitLimitMs(ttlMs);
  const nodes = await machinesOf(lab, cast, of);
  const isWanted = (node: LabNode, word: ServiceWord): boolean =>
    (node.process(serviceOf(word)) === null) === (wanted === 'ended');
  const all = (): boolean => nodes.every((node) => services.every((word) => isWanted(node, word)));
  if ((await until(() => (all() ? true : null), limitMs, 20, signal)) !== null) return;
  throw new Error(
    `${services.join(' and ')} of ${nodes.map(({ name }) => name).join(' and ')} did not ${wanted === 'run' ? 'run' : 'end'} within ${limitMs / 1_000} s`,
  );
}

async function waitFor({ lab, cast, clients, rights, ttlMs, signal }: Stage, what: Awaited): Promise<void> {
  const limitMs = awaitLimitMs(ttlMs);
  const heardBefore = rights.events().length;
  const primaryIs = async (wanted: (name: string) => boolean): Promise<true | null> => {
    const { leader } = await lab.status();
    if (leader === null || !wanted(leader)) return null;
    const recovering = await sqlOn(lab, leader, 'select pg_is_in_recovery()', 2_000).catch(() => 't');
    return recovering === 'f' ? true : null;
  };
  const came = async (): Promise<boolean> => {
    switch (what) {
      case 'another primary':
        return (await until(() => primaryIs((name) => name !== cast.primary), limitMs, 100, signal)) !== null;
      case 'a primary':
        return (await until(() => primaryIs(() => true), limitMs, 100, signal)) !== null;
      case 'health':
        return lab.waitHealthy(limitMs, signal).then(() => true);
      case 'steady writes':
        return clients.untilSteady(limitMs, signal);
      case 'no leader': {
        // Free for some milliseconds only: seen as well when it has been taken again by the time of the next look.
        const free = (): boolean =>
          rights
            .events()
            .slice(Math.max(0, heardBefore - 1))
            .some(({ holder }) => holder === null);
        return (await until(() => (free() ? true : null), limitMs, 10, signal)) !== null;
      }
      case 'a copy':
        return (await until(() => (isCopying(lab) ? true : null), limitMs, 20, signal)) !== null;
      default:
        return what satisfies never;
    }
  };
  if (!(await came())) throw new Error(`${what} did not come within ${limitMs / 1_000} s`);
}

const isCopying = ({ nodes }: Lab): boolean =>
  nodes.some(({ machine }) => machine.processes().some(({ name }) => name === 'pg_basebackup'));

async function leaderOf({ lab }: Stage): Promise<string> {
  const { leader } = await lab.status();
  if (leader === null) throw new Error('nobody leads: there is nobody to ask');
  return leader;
}

/** The leader, or, for what any member can order, another one that is on. */
async function anybody({ lab }: Stage): Promise<string> {
  const { leader } = await lab.status();
  return leader ?? lab.nodes.find(({ machine }) => machine.isOn() && machine.isCabled())?.name ?? '';
}

async function ask(lab: Lab, node: string, args: readonly string[]): Promise<void> {
  const ran = await ctlOn(lab, node, args);
  if (ran.code !== 0) throw new Error(`"matriarch ${args.join(' ')}": ${(ran.stderr || ran.stdout).trim()}`);
}
