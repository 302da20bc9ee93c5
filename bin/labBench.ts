import { type Command, InvalidArgumentError, Option } from 'commander';
import { runBench } from '../src/lab/bench/bench.ts';
import { tableOf } from '../src/lab/bench/table.ts';
import { agentNames, faultNames, isAgentName, isFaultName } from '../src/lab/bench/words.ts';

interface BenchFlags {
  readonly agents: readonly (typeof agentNames)[number][];
  readonly faults: readonly (typeof faultNames)[number][];
  readonly times: number;
  readonly ttl: number;
  readonly rest: number;
  readonly keepLogs?: string;
  readonly format: string;
}

/** `matriarch lab bench`: the same faults and the same load for this agent and for Patroni, and how they compare. */
export function benchCommand(lab: Command): void {
  lab
    .command('bench')
    .description('the same faults against this agent and against Patroni, one lab after the other')
    .option('--faults <list>', faultNames.join(','), listOf(isFaultName, faultNames), faultNames)
    .option('--times <count>', 'each fault', number, 1)
    .option('--ttl <seconds>', 'of the leader lease; loop_wait and retry_timeout follow', number, 30)
    .option('--agents <list>', agentNames.join(','), listOf(isAgentName, agentNames), agentNames)
    .option('--rest <seconds>', 'how long they are watched at rest', number, 60)
    .option('--keep-logs <folder>', "copy each lab's logs there before it goes")
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .action(async ({ rest, ttl, keepLogs = undefined, format, ...flags }: BenchFlags) => {
      const options = { ...flags, restS: rest, ttlS: ttl, keepLogs: keepLogs ?? null };
      const startedMs = performance.now();
      const say = (line: string): void => {
        const sinceS = Math.round((performance.now() - startedMs) / 1_000);
        process.stderr.write(`bench ${String(sinceS).padStart(4)} s: ${line}\n`);
      };
      const result = await runBench(options, say).catch((error: unknown) => {
        say(error instanceof Error ? error.message : String(error));
        process.exit(1);
      });
      if (result === null) process.exit(130);
      process.stdout.write(format === 'json' ? `${JSON.stringify(result, null, 2)}\n` : tableOf(result));
      process.exit(0);
    });
}

function listOf<T extends string>(is: (text: string) => text is T, all: readonly T[]): (text: string) => readonly T[] {
  return (text) =>
    text.split(',').map((one) => {
      if (is(one)) return one;
      throw new InvalidArgumentError(`there are ${all.join(', ')}`);
    });
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0');
  return value;
}
