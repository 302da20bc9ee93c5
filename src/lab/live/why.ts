import { readFile } from 'node:fs/promises';
import { stateDirOf } from '../../codec/config/rest.ts';
import { toldMoment } from '../../codec/rest/moment.ts';
import type { Entry } from '../../model/decision.ts';
import type { RuleTexts, ToldMoment } from '../../model/moment.ts';
import { agentPort, askService, parsed } from '../ask.ts';
import { entriesOf } from '../events.ts';
import type { Machine } from '../ground.ts';
import type { Lab } from '../lab.ts';
import type { LabNode } from '../node.ts';
import { entryInOurTime } from '../ourTime.ts';

/** What the page asks when somebody wants to know why. */

/** What nodes, or the one that is named, had decided at a moment. Of dead ones as well: their disks hold the journals. */
export async function why(
  { lab, rules }: { readonly lab: Lab; readonly rules: RuleTexts },
  query: URLSearchParams,
): Promise<readonly ToldMoment[] | string> {
  const atMs = Date.parse(query.get('at') ?? '');
  if (Number.isNaN(atMs)) return 'a moment is wanted: at=2026-11-25T20:13:51Z';
  const name = query.get('node');
  const nodes = lab.nodes.filter((node) => name === null || node.name === name);
  return Promise.all(
    nodes.map(async ({ name: node, machine }) => toldMoment(node, await wholeJournal(machine), atMs, rules)),
  );
}

/** By the lab's clock. The file before the last turn comes first. */
async function wholeJournal({ plan, hostPath }: Machine): Promise<readonly Entry[]> {
  const path = `${hostPath(stateDirOf(undefined, plan.paths.dataDir))}/journal.jsonl`;
  const texts = await Promise.all([`${path}.1`, path].map((one) => readFile(one, 'utf8').catch(() => '')));
  return texts.flatMap(entriesOf).map(entryInOurTime);
}

/** The others are asked anew for it, and whoever is silent costs time. */
const limitMs = 5_000;

/** What keeps a member from being promoted: its own agent knows most, then the leader's, then any. */
export async function whyNot(lab: Lab, query: URLSearchParams): Promise<object | string> {
  const name = query.get('node') ?? '';
  const { leader } = await lab.status();
  const rank = (node: LabNode): number => (node.name === name ? 0 : node.name === leader ? 1 : 2);
  const awake = lab.nodes.filter((node) => node.process('agent')?.state === 'running');
  for (const { machine } of awake.toSorted((a, b) => rank(a) - rank(b))) {
    const path = `/ui/why-not?node=${encodeURIComponent(name)}`;
    const answer = await askService(machine, { method: 'GET', port: agentPort, path }, limitMs);
    const told = answer?.status === 200 ? parsed(answer.body) : null;
    if (typeof told === 'object' && told !== null && 'answer' in told) return told;
  }
  return 'no agent answers that knows';
}
