import type { Lab } from '../lab.ts';
import { delay } from '../run.ts';
import { watchRest } from './cost.ts';
import { faults } from './faults.ts';
import { untilProxySettled } from './haproxy.ts';
import { ask } from './http.ts';
import { measureRequests } from './requests.ts';
import {
  type AgentName,
  type AgentResult,
  type BenchOptions,
  type ConnectionKind,
  type FaultName,
  type FaultRun,
  type Requests,
  routes,
  type Say,
} from './words.ts';
import { startWriters } from './writers.ts';

const healthyLimitMs = 180_000;
/** After health: rest is not what comes right after a start, when code is still being compiled and members meet. */
const settleMs = 30_000;

/** Everything about one agent, in a lab that was just made. */
export async function measureAgent(lab: Lab, agent: AgentName, options: BenchOptions, say: Say): Promise<AgentResult> {
  say('waiting for a leader and two streaming standbys');
  let leader = await healthy(lab);
  await delay(settleMs);
  const version = agent === 'patroni' ? await versionOf(lab, leader) : null;

  say(`at rest for ${options.restS} s`);
  const rest = options.restS > 0 ? await watchRest(lab, options.restS) : [];
  const load = async (kind: ConnectionKind): Promise<Requests> => {
    say(`requests for /primary, 50 connections, ${kind}, 5 s`);
    const requests = await measureRequests(lab, leader, kind);
    say(`${Math.round(requests.requestsPerSecond)} a second`);
    return requests;
  };
  const requests = { kept: await load('kept'), new: await load('new') };

  const runs: FaultRun[] = [];
  for (let time = 1; time <= options.times; time += 1) {
    for (const fault of options.faults) {
      leader = await healthy(lab);
      const title = `${faults[fault].title} ${time}/${options.times}`;
      const run = await oneFault(lab, fault, { leader, key: `${fault}-${time}` }, (line) => say(`${title}: ${line}`));
      runs.push(run);
      const [direct, proxy] = routes.map((route) => (run.gapMs[route] / 1_000).toFixed(2));
      say(`${title}: ${direct} s without a write, through HAProxy ${proxy} s`);
    }
  }
  return { agent, version, rest, requests, runs };
}

async function oneFault(
  lab: Lab,
  name: FaultName,
  { leader, key }: { readonly leader: string; readonly key: string },
  say: Say,
): Promise<FaultRun> {
  const fault = faults[name];
  const { ttlS } = lab.plan.timings;
  const stepLimitMs = (3 * ttlS + 60) * 1_000;
  await untilProxySettled(lab, leader, stepLimitMs);
  await fault.prepare(lab, leader, say);
  const writers = await startWriters(lab, key);
  try {
    await writers.untilSteady(Date.now(), stepLimitMs, (waitedS) => say(`no steady writes yet after ${waitedS} s`));
    say(`${leader} leads; now`);
    const madeMs = Date.now();
    await fault.make(lab, leader);
    await writers.untilSteady(madeMs, stepLimitMs, (waitedS) => say(`no steady writes yet after ${waitedS} s`));
    await fault.mend(lab, leader);
    const now = await healthy(lab);
    await untilProxySettled(lab, now, stepLimitMs);
    const gapMs = writers.gapMs(madeMs);
    await writers.stop();
    return { fault: name, gapMs, writes: await writers.count(now) };
  } finally {
    await writers.stop();
  }
}

const healthy = async (lab: Lab): Promise<string> => (await lab.waitHealthy(healthyLimitMs)).leader ?? '';

/** As GET /patroni tells it. */
async function versionOf(lab: Lab, node: string): Promise<string | null> {
  const { machine } = lab.node(node);
  const answer = await ask(machine, { host: machine.plan.address, port: 8008, path: '/patroni' }, 5_000);
  return /"patroni":\s*\{[^}]*"version":\s*"([^"]+)"/.exec(answer?.body ?? '')?.[1] ?? null;
}
