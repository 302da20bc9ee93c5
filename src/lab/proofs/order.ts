import { makeChance } from '../scenario/chance.ts';

/** All of them, in an order that hangs on the seed alone. */
export function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const chance = makeChance(seed);
  const left = [...items];
  return items.flatMap(() => left.splice(Math.floor(chance() * left.length), 1));
}

/**
 * The next ones, as many as wanted: each time the first of those that were played least often. So a campaign goes on where its
 * record ends, whatever was added to it meanwhile, and begins again when all were played.
 */
export function nextOf<T extends { readonly name: string }>(
  order: readonly T[],
  playedBefore: ReadonlyMap<string, number>,
  wanted: number,
): readonly T[] {
  const played = new Map(order.map(({ name }) => [name, playedBefore.get(name) ?? 0]));
  const times = ({ name }: T): number => played.get(name) ?? 0;
  return Array.from({ length: order.length === 0 ? 0 : wanted }).flatMap(() => {
    const fewest = Math.min(...played.values());
    const next = order.filter((one) => times(one) === fewest).slice(0, 1);
    for (const one of next) played.set(one.name, fewest + 1);
    return next;
  });
}
