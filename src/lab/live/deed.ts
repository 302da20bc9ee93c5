import { parsed } from '../ask.ts';
import type { Request } from '../control.ts';
import { machineDeeds } from '../machineDeeds.ts';
import type { Service } from '../services.ts';

/** What a button of the page may ask for: a part of what the lab does on command, each field checked. */

const signals = { kill: 'KILL', freeze: 'STOP', thaw: 'CONT' } as const;
const services: readonly Service[] = ['postgres', 'agent', 'guardian', 'etcd', 'haproxy'];
/** How wrong a clock is set by the page: more than any lease, less than a day. */
const clockDeeds = { clockAhead: 3_600_000, clockBack: -3_600_000, clockRight: 0 } as const;

/** Text: why it is none. */
export function readDeed(body: string, machines: readonly string[]): Request | string {
  const asked = parsed(body);
  if (typeof asked !== 'object' || asked === null || !('deed' in asked)) return 'a JSON object with a deed is wanted';
  const { deed } = asked;
  if (deed === 'stopPlay') return { kind: deed };
  if (deed === 'play') {
    const scenario = 'scenario' in asked ? asked.scenario : null;
    return typeof scenario === 'string' ? { kind: deed, scenario } : 'a scenario is wanted, by name';
  }
  const node = 'node' in asked ? asked.node : null;
  // Only who names nobody leaves the choice to the agents: a name that nobody bears is a mistake, not a wish.
  if (deed === 'switchover' && node === null) return { kind: deed, to: null };
  const machine = machines.find((name) => name === node);
  if (machine === undefined) return `no machine ${shown(node)}: there are ${machines.join(', ')}`;
  if (deed === 'switchover') return { kind: deed, to: machine };
  const plain = machineDeeds.find((kind) => kind === deed);
  if (plain !== undefined) return { kind: plain, node: machine };
  if (deed === 'clockAhead' || deed === 'clockBack' || deed === 'clockRight')
    return { kind: 'setClock', node: machine, byMs: clockDeeds[deed] };
  const name = 'service' in asked ? asked.service : null;
  const service = services.find((one) => one === name);
  if (service === undefined) return `no service ${shown(name)}`;
  if (deed === 'start') return { kind: 'start', node: machine, service };
  if (deed !== 'kill' && deed !== 'freeze' && deed !== 'thaw') return `no deed ${shown(deed)}`;
  return { kind: 'kill', node: machine, service, signal: signals[deed], restartAfterS: null };
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
