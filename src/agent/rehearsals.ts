import { type Question, rehearse, withoutLeader } from '../decide/rehearse/rehearse.ts';
import type { AgentHandles, Snapshot } from '../model/agent.ts';
import type { Incident, Milestone } from '../model/incident.ts';
import { noPast, type Past, type Rehearsal } from '../model/rehearsal.ts';

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

/** What the changes of leader took that this node went through, or saw. */
export function pastIn(incidents: readonly Incident[]): Past {
  const pasts = incidents.map(pastOf);
  const all = (of: keyof Past): readonly number[] =>
    pasts.flatMap((past) => past[of].filter((tookMs) => Number.isFinite(tookMs) && tookMs >= 0));
  return {
    leasesMs: all('leasesMs'),
    racesMs: all('racesMs'),
    promotionsMs: all('promotionsMs'),
    routesMs: all('routesMs'),
  };
}

function pastOf({ kind, phases, clients = [] }: Incident): Past {
  if (kind !== 'promotion' && kind !== 'failover') return noPast;
  const at = (wanted: Milestone): readonly number[] =>
    phases
      .filter(({ phase }) => phase === wanted)
      .slice(0, 1)
      .map(({ afterMs }) => afterMs);
  const between = (from: readonly number[], to: readonly number[]): readonly number[] =>
    from.flatMap((fromMs) => to.map((toMs) => toMs - fromMs));
  const [gone, writable] = [at('leaderGone'), kind === 'promotion' ? at('writable') : []];
  // The first probe to feel it, and the last to be served again: a gap that goes on tells neither.
  const gaps = clients.flatMap((one) => one.gaps.filter((gap) => gap.kind === 'write' && gap.ended));
  const felt = gaps.length === 0 ? [] : [Math.min(...gaps.map(({ beganAfterMs }) => beganAfterMs))];
  const served = gaps.length === 0 ? [] : [Math.max(...gaps.map(({ beganAfterMs, gapMs }) => beganAfterMs + gapMs))];
  return {
    leasesMs: between(felt, gone),
    racesMs: between(gone, at(kind === 'promotion' ? 'keyMine' : 'keyTaken')),
    promotionsMs: kind === 'promotion' ? between(at('keyMine'), writable) : [],
    routesMs: between(writable, served),
  };
}
