import type { Duration, Step, Target } from '../../model/scenario.ts';
import type { Nature } from './evidence.ts';

/** A step in the words of its file. */
export function tellStep(step: Step): string {
  switch (step.kind) {
    case 'wait':
      return `wait ${tellDuration(step.duration)}`;
    case 'waitFor':
      return `wait for ${step.what}`;
    case 'waitForServices':
      return `wait for ${step.what.services.join(' and ')} of ${tellTargets(step.what.of)}`;
    case 'waitForEnd':
      return `wait for the end of ${step.what.services.join(' and ')} of ${tellTargets(step.what.of)}`;
    case 'slowDisk':
      return `slow etcd's disk of ${tellTargets(step.of)} by ${tellDuration(step.by)}`;
    case 'hastenDisk':
      return `etcd's disk of ${tellTargets(step.of)} is quick again`;
    case 'stallFlushes':
      return `no flush of PostgreSQL ends on ${tellTargets(step.of)}`;
    case 'flushAgain':
      return `PostgreSQL flushes again on ${tellTargets(step.of)}`;
    case 'useUpConnections':
      return `use up the connections of ${tellTargets(step.of)}`;
    case 'giveBackConnections':
      return `give back the connections of ${tellTargets(step.of)}`;
    case 'setClock':
      return `set the clock of ${tellTargets(step.of)} by ${tellDuration(step.by)}`;
    case 'switchover':
    case 'failover': {
      const to = step.to === null ? '' : ` to ${tellTarget(step.to)}`;
      return `${step.kind}${to}${step.after === null ? '' : ` in ${tellDuration(step.after)}`}${step.asked ? ', answering its questions' : ''}${step.meanwhile ? ', and meanwhile' : ''}`;
    }
    case 'pause':
    case 'resume':
      return step.kind;
    case 'rotatePassword':
      return 'another password for the replication user';
    case 'transaction':
      return `a transaction of ${tellDuration(step.duration)} on ${tellTarget(step.of)}`;
    case 'dump':
      return `pg_dump from ${tellTarget(step.of)}${step.duration.ttls + step.duration.ms === 0 ? '' : `, read after ${tellDuration(step.duration)}`}`;
    case 'pgbench':
      return `pgbench on ${tellTarget(step.of)} for ${tellDuration(step.duration)}`;
    case 'load':
      return `load ${step.mb} MB of rows`;
    case 'kill':
    case 'terminate':
    case 'freeze':
    case 'thaw':
    case 'start':
    case 'renice':
      return `${step.kind} ${step.what.services.join(' and ')} of ${tellTargets(step.what.of)}`;
    case 'powerOff':
      return `power off ${tellTargets(step.of)}`;
    case 'powerOn':
      return `power on ${tellTargets(step.of)}`;
    case 'fillDisk':
      return `fill the disk of ${tellTargets(step.of)}`;
    case 'freeDisk':
      return `free the disk of ${tellTargets(step.of)}`;
    case 'cut':
    case 'heal':
    case 'deafen':
    case 'mute':
    case 'saturate':
    case 'relieve':
    case 'restart':
    case 'reinit':
      return `${step.kind} ${tellTargets(step.of)}`;
    default:
      return step satisfies never;
  }
}

export function natureOf(step: Step): Nature {
  switch (step.kind) {
    case 'wait':
    case 'waitFor':
    case 'waitForServices':
    case 'waitForEnd':
    case 'transaction':
    case 'dump':
    case 'pgbench':
    case 'load':
      return 'calm';
    case 'heal':
    case 'powerOn':
    case 'thaw':
    case 'start':
    case 'relieve':
    case 'freeDisk':
    case 'hastenDisk':
    case 'flushAgain':
    case 'giveBackConnections':
      return 'remedy';
    case 'switchover':
    case 'failover':
    case 'pause':
    case 'resume':
    case 'restart':
    case 'reinit':
    case 'rotatePassword':
      return 'act';
    default:
      return 'fault';
  }
}

export function tellDuration({ ttls, ms }: Duration): string {
  const whole = ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
  if (ttls === 0) return whole;
  return `${ttls === 1 ? '' : `${ttls} `}ttl${ms === 0 ? '' : ` + ${whole}`}`;
}

const tellTargets = (targets: readonly Target[]): string => targets.map(tellTarget).join(' and ');
export const tellTarget = (target: Target): string => (target.kind === 'node' ? target.name : target.role);
