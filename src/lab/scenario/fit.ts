import { isDeepStrictEqual } from 'node:util';
import type { Scenario } from '../../model/scenario.ts';
import type { Lab } from '../lab.ts';

/** Each machine has its own: what clients and witnesses saw would stay there. */
const ownFolders = /^\/(tmp|run|dev)\//;

/** Why a scenario cannot be played in a lab as that is, with the remedy; null: it can. */
export function whyNotHere(
  { name, setUp }: Scenario,
  { kind, plan, dir }: Pick<Lab, 'kind' | 'plan' | 'dir'>,
): string | null {
  const { nodes, ttlS, diskMb, fakeClocks, config } = setUp;
  const own = `"matriarch lab run ${name}" makes a lab for it`;
  if (kind === 'loopback') return 'it needs machines: make the lab as root';
  if (ownFolders.test(dir)) return `its machines cannot write to ${dir}: make the lab below another folder`;
  if (fakeClocks && !plan.fakeClocks)
    return `it needs agents whose clocks can be set: "matriarch lab up --fake-clocks", or ${own}`;
  const here = plan.extraConfig(plan.nodes[0]?.name ?? '');
  if (!isDeepStrictEqual(config, here)) return `it needs another configuration than this lab has: ${own}`;
  if (nodes !== plan.nodes.length) return `it needs ${nodes} nodes: "matriarch lab up --nodes ${nodes}", or ${own}`;
  if (ttlS !== null && ttlS !== plan.timings.ttlS)
    return `it needs a lease of ${ttlS} s: "matriarch lab up --ttl ${ttlS}", or ${own}`;
  if (diskMb !== plan.diskMb)
    return `it needs disks of ${diskMb} MB: "matriarch lab up --disk-mb ${diskMb}", or ${own}`;
  return null;
}
