import type { Lab } from '../lab.ts';
import { ctlOn } from '../psql.ts';

export interface HandOver {
  /** Null: the cluster chooses. */
  readonly to: string | null;
  /** Scheduled so long from now; null: now. */
  readonly afterMs: number | null;
  /** By answering questions, as a person does, instead of by flags. */
  readonly asked: boolean;
}

/** A switchover or a manual failover by the command line, as an operator does it. Throws what it says when it was refused. */
export async function handOver(lab: Lab, action: 'switchover' | 'failover', order: HandOver): Promise<void> {
  const { leader } = await lab.status();
  const node = leader ?? order.to ?? lab.nodes[0]?.name ?? '';
  const at = order.afterMs === null ? 'now' : new Date(Date.now() + order.afterMs).toISOString();
  const flags = [
    ...(action === 'switchover' && leader !== null ? ['--leader', leader] : []),
    ...(order.to === null ? [] : ['--candidate', order.to]),
    ...(action === 'switchover' ? ['--scheduled', at] : []),
    '--force',
  ];
  // Leader, candidate, when, and whether one is sure.
  const answers = `${leader ?? ''}\n${order.to ?? ''}\n${at}\ny\n`;
  const ran = await (order.asked
    ? ctlOn(lab, node, [action, lab.plan.scope], answers)
    : ctlOn(lab, node, [action, lab.plan.scope, ...flags]));
  if (ran.code === 0 && /Successfully|scheduled/i.test(ran.stdout)) return;
  throw new Error(`"matriarch ${action}" ended with ${ran.code}: ${(ran.stderr || ran.stdout).trim()}`);
}
