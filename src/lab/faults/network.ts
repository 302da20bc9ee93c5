/** Packets that arrive at a machine, or those that it sends. */
export type Direction = 'in' | 'out';

/**
 * A cable that works in one direction only, for nftables in the machine's own network. Nobody is told: packets just do not
 * arrive, as with a broken transceiver.
 */
export function lossRules(direction: Direction): string {
  const hook = direction === 'in' ? 'input' : 'output';
  const side = direction === 'in' ? 'iifname' : 'oifname';
  return `add table ip lab
add chain ip lab ${hook} { type filter hook ${hook} priority 0; }
add rule ip lab ${hook} ${side} "eth0" drop
`;
}
