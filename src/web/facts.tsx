import type { Fact } from '../model/decision.ts';

export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <>
      {facts.map(([name, value]) => (
        <span class="fact" key={name}>
          {name} <em>{value === null ? '–' : String(value)}</em>
        </span>
      ))}
    </>
  );
}
