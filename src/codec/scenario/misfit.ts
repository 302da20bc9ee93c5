import type { SetUp, Step, Target } from '../../model/scenario.ts';

type Asked = Pick<SetUp, 'nodes' | 'fakeClocks'>;

/** What a step needs that a lab with this set-up does not have, with the remedy; null: nothing. It would show only when the step is taken. */
export function misfitOf(step: Step, setUp: Asked): string | null {
  if (step.kind === 'setClock' && !setUp.fakeClocks)
    return 'the clocks of this set-up cannot be set: say "fake clocks: yes" in set-up';
  return targetsOf(step).reduce<string | null>((found, target) => found ?? missingIn(target, setUp), null);
}

/** Null: somebody plays that role, or the machine is there. */
export function missingIn(target: Target, { nodes }: Pick<Asked, 'nodes'>): string | null {
  const needed = nodesFor(target);
  if (needed <= nodes) return null;
  const who = target.kind === 'node' ? target.name : target.role;
  return `a set-up of ${nodes} ${nodes === 1 ? 'node' : 'nodes'} has no ${who}: name another, or say "nodes: ${needed}" in set-up`;
}

function nodesFor(target: Target): number {
  if (target.kind === 'node') return Number(target.name.replace('node', ''));
  if (target.role === 'another replica') return 3;
  return target.role === 'replica' || target.role === 'replicas' ? 2 : 1;
}

function targetsOf(step: Step): readonly Target[] {
  if ('of' in step) return [step.of].flat();
  if ('to' in step) return step.to === null ? [] : [step.to];
  return 'what' in step && typeof step.what === 'object' ? step.what.of : [];
}
