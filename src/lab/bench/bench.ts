import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { makeEnding } from '../ending.ts';
import { makeLab } from '../lab.ts';
import { findLabs } from '../place.ts';
import { ownAgentCommand } from '../plan.ts';
import { keepLogsOf } from './keepLogs.ts';
import { measureAgent } from './measure.ts';
import type { AgentName, AgentResult, BenchOptions, BenchResult, Say } from './words.ts';

const commands: Readonly<Record<AgentName, string>> = { matriarch: ownAgentCommand, patroni: 'patroni {config}' };

/** One lab after the other, never two at once. Null: ended before (Ctrl-C, the terminal or npm is gone). */
export async function runBench(options: BenchOptions, say: Say): Promise<BenchResult | null> {
  const ending = makeEnding();
  let over = false;
  let down = async (): Promise<void> => {};
  const otherLabs = findLabs().filter(({ running }) => running).length;
  if (otherLabs > 0) say(`${otherLabs} other lab runs on this machine: figures are of little worth`);

  async function measureAll(): Promise<readonly AgentResult[]> {
    const results: AgentResult[] = [];
    for (const agent of options.agents) {
      if (over) break;
      const tell: Say = (line) => say(`${agent}: ${line}`);
      const lab = await makeLab({
        ttlS: options.ttlS,
        portBase: null,
        agentCommand: commands[agent],
        say: tell,
        began: (end) => (down = end),
      });
      try {
        results.push(await measureAgent(lab, agent, options, tell));
      } finally {
        if (options.keepLogs !== null && !over) keepLogsOf(lab, join(options.keepLogs, agent));
        await lab.down();
      }
    }
    return results;
  }
  const measuring = measureAll();
  const ended = ending.ended.then(() => {
    over = true; // what is still being measured finds its lab gone, and makes no other
    say('ending');
    return null;
  });
  const agents = await Promise.race([measuring, ended]).finally(() => down());
  return agents === null ? null : { options, cores: availableParallelism(), otherLabs, agents };
}
