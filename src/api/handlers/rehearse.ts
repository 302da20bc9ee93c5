import { rehearsalDocument } from '../../codec/rest/rehearsal.ts';
import type { AgentHandles } from '../../model/agent.ts';
import { type InstantMs, later } from '../../model/units.ts';
import { type ApiRequest, json, type Reply } from '../reply.ts';

interface Deps {
  readonly handles: Pick<AgentHandles, 'now' | 'wake' | 'askPeers' | 'snapshot'>;
  sleep(ms: number): Promise<void>;
}

/** A member that does not answer is known to be silent by then. */
const lookLimitMs = 2_300;
const pollMs = 50;
const askAgainMs = 400;
const namesMax = 50;

/**
 * GET /rehearse?without=node1,node2: who would take over. Without names: from whoever leads. It changes nothing; `fresh` has
 * the members asked anew first, and the own server what hangs on it; otherwise the last look counts.
 */
export async function rehearse({ query }: ApiRequest, deps: Deps & { readonly handles: AgentHandles }): Promise<Reply> {
  const { handles } = deps;
  const isFresh = query.fresh !== undefined;
  const [load] = await Promise.all([isFresh ? handles.load() : null, isFresh ? lookAgain(deps) : null]);
  const names = query.without?.split(',').map((name) => name.trim());
  const without = names?.filter((name) => name !== '').slice(0, namesMax) ?? null;
  const answer = handles.rehearse(without === null || without.length === 0 ? null : without);
  const snapshot = handles.snapshot();
  if (answer === null || snapshot === null) return json(503, { error: 'this agent has not looked around yet' });
  if ('kind' in answer) {
    const error = `no member, and no tag of one: ${answer.names.join(', ')}`;
    return json(404, { error, members: answer.members });
  }
  const by = { name: snapshot.seen.settings.local.name, ageMs: handles.now() - snapshot.seen.nowMs };
  return json(200, rehearsalDocument(answer, by, load));
}

/** Until every other member has answered, or is silent. Each answer wakes the loop: nobody is asked more often than it takes. */
export async function lookAgain({ handles, sleep }: Deps): Promise<void> {
  const beganMs = handles.now();
  const endMs = later(beganMs, lookLimitMs);
  let askAtMs = beganMs;
  handles.wake('rehearse');
  while (handles.now() < endMs && !isNew(handles, beganMs)) {
    // A question that was under way already says how it was before.
    if (handles.now() >= askAtMs) {
      handles.askPeers();
      askAtMs = later(handles.now(), askAgainMs);
    }
    await sleep(pollMs);
  }
}

function isNew(handles: Deps['handles'], sinceMs: InstantMs): boolean {
  const seen = handles.snapshot()?.seen;
  if (seen === undefined || seen.nowMs < sinceMs) return false;
  return seen.peers.every(
    ({ askedMs, last }) =>
      (last.kind === 'answered' && askedMs !== null && askedMs >= sinceMs) ||
      (last.kind === 'silent' && last.atMs >= sinceMs),
  );
}
