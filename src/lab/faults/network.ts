import type { Machine } from '../ground.ts';
import { must, run } from '../run.ts';

/**
 * A cable that works in one direction only, by nftables in the machine's own network. Nobody is told: packets just do not
 * arrive, as with a broken transceiver.
 */
export async function loseDirection(machine: Machine, direction: 'in' | 'out'): Promise<void> {
  const hook = direction === 'in' ? 'input' : 'output';
  const side = direction === 'in' ? 'iifname' : 'oifname';
  const rules = `add table ip lab
add chain ip lab ${hook} { type filter hook ${hook} priority 0; }
add rule ip lab ${hook} ${side} "eth0" drop
`;
  await must(machine.onItsNetwork(['nft', '-f', '-']), { input: rules });
}

/** Both directions work again. */
export async function loseNothing(machine: Machine): Promise<void> {
  await run(machine.onItsNetwork(['nft', 'delete', 'table', 'ip', 'lab'])); // fails when nothing was lost
}
