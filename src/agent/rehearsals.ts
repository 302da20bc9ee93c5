import { type Question, rehearse, withoutLeader } from '../decide/rehearse/rehearse.ts';
import type { AgentHandles, Snapshot } from '../model/agent.ts';
import type { Incident, Milestone } from '../model/incident.ts';
import type { Past, Rehearsal } from '../model/rehearsal.ts';

/** Questions about what is not (yet) so, answered from the last look: nothing is read and nobody is asked. */
export function makeRehearsals(deps: {
  readonly snapshot: () => Snapshot | null;
  readonly marginMs: () => number;
  readonly past: () => Past;
}): AgentHandles['rehearse'] {
  /** The question of every moment has one answer a look. */
  let usual: { readonly snapshot: Snapshot; readonly answer: Rehearsal } | null = null;

  return (without) => {
    const snapshot = deps.snapshot();
    if (snapshot === null) return null;
    if (without === null && usual?.snapshot === snapshot) return usual.answer;
    const question: Question = {
      without: without ?? withoutLeader(snapshot.seen),
      marginMs: deps.marginMs(),
      past: deps.past(),
    };
    const answer = rehearse(snapshot.seen, question);
    if (without === null && !('kind' in answer)) usual = { snapshot, answer };
    return answer;
  };
}

/** From the key to the first write, in the promotions of this node. */
export const promotionsIn = (incidents: readonly Incident[]): readonly number[] =>
  incidents.flatMap(({ kind, phases }) => {
    const at = (wanted: Milestone): number | null => phases.find(({ phase }) => phase === wanted)?.afterMs ?? null;
    const [key, writable] = [at('keyMine'), at('writable')];
    return kind === 'promotion' && key !== null && writable !== null && writable >= key ? [writable - key] : [];
  });
