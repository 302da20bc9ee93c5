import { stringify } from 'yaml';
import type { Duration, MachineVerb, Scenario, Services, Step, Target } from '../../model/scenario.ts';

/** A scenario as its file: what was drawn at random is kept like this, and can be played again. */
export function writeScenario({ title, description, long, red, setUp, steps, expect }: Scenario): string {
  const duration = (value: Duration | null): string | undefined => (value === null ? undefined : durationText(value));
  return stringify(
    {
      title,
      description,
      ...(long ? { long } : {}),
      ...(red === null ? {} : { red }),
      'set-up': {
        nodes: setUp.nodes,
        ...(setUp.ttlS === null ? {} : { ttl: `${setUp.ttlS} s` }),
        'disk MB': setUp.diskMb,
        ...(setUp.fakeClocks ? { 'fake clocks': true } : {}),
        ...(Object.keys(setUp.config).length === 0 ? {} : { config: setUp.config }),
      },
      steps: steps.map(stepEntry),
      expect: {
        primary: typeof expect.primary === 'string' ? expect.primary : targetText(expect.primary),
        'write gap': duration(expect.writeGap),
        'proxied write gap': duration(expect.proxiedWriteGap),
        'read gap': duration(expect.readGap),
        'proxied read gap': duration(expect.proxiedReadGap),
        'streaming within': duration(expect.streamingWithin),
        'lost writes': duration(expect.lostWrites),
      },
    },
    { lineWidth: 0 },
  );
}

const verbs: Readonly<Record<MachineVerb, string>> = {
  cut: 'cut',
  heal: 'heal',
  powerOff: 'power off',
  powerOn: 'power on',
  deafen: 'deafen',
  mute: 'mute',
  saturate: 'saturate',
  relieve: 'relieve',
  fillDisk: 'fill disk',
  freeDisk: 'free disk',
  hastenDisk: 'hasten etcd disk',
  stallFlushes: 'stall flushes',
  flushAgain: 'flush again',
  useUpConnections: 'use up connections',
  giveBackConnections: 'give back connections',
  restart: 'restart',
  reinit: 'reinit',
};

function stepEntry(step: Step): Readonly<Record<string, unknown>> {
  switch (step.kind) {
    case 'wait':
      return { wait: durationText(step.duration) };
    case 'waitFor':
      return { 'wait for': step.what };
    case 'waitForServices':
      return { 'wait for': servicesText(step.what) };
    case 'waitForEnd':
      return { 'wait for': `end of ${servicesText(step.what)}` };
    case 'kill':
    case 'terminate':
    case 'freeze':
    case 'thaw':
    case 'start':
    case 'renice':
      return { [step.kind]: servicesText(step.what) };
    case 'slowDisk':
      return { 'slow etcd disk': { of: targetsText(step.of), by: durationText(step.by) } };
    case 'setClock':
      return { 'set clock': { of: targetsText(step.of), by: durationText(step.by) } };
    case 'switchover':
    case 'failover':
      return {
        [step.kind]: {
          ...(step.to === null ? {} : { to: targetText(step.to) }),
          ...(step.after === null ? {} : { in: durationText(step.after) }),
          ...(step.asked ? { by: 'answers' } : {}),
          ...(step.meanwhile ? { meanwhile: true } : {}),
        },
      };
    case 'pause':
    case 'resume':
      return { [step.kind]: {} };
    case 'rotatePassword':
      return { 'rotate password': {} };
    case 'transaction':
      return { transaction: { of: targetText(step.of), for: durationText(step.duration) } };
    case 'dump':
      return step.duration.ttls === 0 && step.duration.ms === 0
        ? { dump: targetText(step.of) }
        : { dump: { of: targetText(step.of), for: durationText(step.duration) } };
    case 'pgbench':
      return { pgbench: { of: targetText(step.of), for: durationText(step.duration) } };
    case 'load':
      return { load: `${step.mb} MB` };
    default:
      return { [verbs[step.kind]]: targetsText(step.of) };
  }
}

const servicesText = ({ services, of }: Services): string => `${services.join(' and ')} of ${targetsText(of)}`;
const targetsText = (targets: readonly Target[]): string => targets.map(targetText).join(' and ');
const targetText = (target: Target): string => (target.kind === 'node' ? target.name : target.role);

function durationText({ ttls, ms }: Duration): string {
  const rest = ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
  if (ttls === 0) return rest;
  return ms === 0 ? `${ttls} ttl` : `${ttls} ttl + ${rest}`;
}
