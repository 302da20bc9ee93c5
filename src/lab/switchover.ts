import { agentPort, askService } from './ask.ts';
import type { Lab } from './lab.ts';
import { databaseNode } from './machineDeeds.ts';

/** An agent waits this long itself for the new leader, and says so. */
const limitMs = 40_000;

/** Asks the leader's agent to hand over, as `patronictl switchover` does. Gives its answer; throws when it is no yes, or there is no such node. */
export async function switchOver(lab: Lab, to: string | null): Promise<string> {
  if (to !== null) databaseNode(lab, to);
  const { leader } = await lab.status();
  if (leader === null) throw new Error('nobody leads: there is nothing to switch over');
  const body = JSON.stringify({ leader, ...(to === null ? {} : { candidate: to }) });
  const question = { method: 'POST', port: agentPort, path: '/switchover', body } as const;
  const answer = await askService(lab.node(leader).machine, question, limitMs);
  if (answer === null) throw new Error(`the agent of ${leader} gave no answer`);
  if (answer.status !== 200 && answer.status !== 202) throw new Error(`${leader} refused: ${answer.body}`);
  return answer.body;
}
