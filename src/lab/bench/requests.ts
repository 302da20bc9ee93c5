import type { Lab } from '../lab.ts';
import { agentProcessesOf, cpuSeconds } from './cost.ts';
import type { ConnectionKind, Requests } from './words.ts';
import { readWrk, wrkCommand } from './wrk.ts';

const connections = 50;
const seconds = 5;

/** Puts the load on the leader's agent, from the client machine. */
export async function measureRequests(lab: Lab, leader: string, kind: ConnectionKind): Promise<Requests> {
  const procs = agentProcessesOf(lab, leader);
  const before = cpuSeconds(procs);
  const { address } = lab.node(leader).machine.plan; // no name to look up for each connection
  const ran = await lab.client.exec(wrkCommand(`http://${address}:8008/primary`, kind, connections, seconds), {
    limitMs: 60_000,
  });
  const usedS = cpuSeconds(procs) - before;
  const seen = ran.code === 0 ? readWrk(ran.stdout) : null;
  if (seen === null) throw new Error(`the load on ${leader} ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  return { ...seen, seconds, perAgentCpuSecond: usedS > 0 ? (seen.requestsPerSecond * seconds) / usedS : 0 };
}
