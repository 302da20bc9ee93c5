import type { Command } from 'commander';
import { judge } from '../src/model/laws.ts';
import { readHoldings } from '../src/traffic/holdings.ts';
import { keysToCompare, knownCounts, readEvidence } from '../src/traffic/judgement.ts';
import type { Outside } from '../src/traffic/seek.ts';
import { targetsOf } from './targets.ts';
import { nonNegative, passwordHelp, positive, wrong } from './trafficFlags.ts';

/** `matriarch traffic judge`: what the laws say of histories that clients and witnesses kept. */
export function judgeCommand(traffic: Command, outside: Outside): void {
  traffic
    .command('judge')
    .description('judge histories by the laws; exit 1 when one is broken')
    .argument('<history...>')
    .option('--held-by <target>', 'compare with what this server holds: the surviving primary')
    .option('--fence-ms <ms>', 'how long after its right ended a node may still write', positive, 1000)
    .option('--loss-ms <ms>', 'asynchronous: how much of the end of a reign may be lost', nonNegative, 0)
    .addHelpText('after', passwordHelp)
    .action((files: string[], flags: JudgeFlags) => judgeFiles(outside, files, flags));
}

interface JudgeFlags {
  readonly heldBy?: string;
  readonly fenceMs: number;
  readonly lossMs: number;
}

async function judgeFiles(outside: Outside, files: readonly string[], flags: JudgeFlags): Promise<void> {
  const seen = files.flatMap((file) => {
    const evidence = readEvidence(file);
    if (evidence.kind === 'refused') return wrong(evidence.why);
    const { passedOver } = evidence;
    if (passedOver > 0)
      note(`${file}: ${passedOver === 1 ? 'a line is no fact' : `${passedOver} lines are no facts`}, and passed over`);
    return evidence.history;
  });
  const [target] = flags.heldBy === undefined ? [] : targetsOf(flags.heldBy);
  const held = target === undefined ? null : await readHoldings(outside, target, keysToCompare(seen));
  if (held?.kind === 'failed') return wrong(`cannot read what the server holds: ${held.why}`);
  const history = [...seen, ...(held?.holdings ?? [])];
  const loss = flags.lossMs === 0 ? ({ kind: 'none' } as const) : ({ kind: 'tail', ms: flags.lossMs } as const);
  const violations = judge(history, { fenceMs: flags.fenceMs, loss });
  for (const violation of violations) process.stdout.write(`${JSON.stringify(violation)}\n`);
  const counts = knownCounts(history);
  process.stdout.write(`${JSON.stringify({ violations: violations.length, ...counts })}\n`);
  if (counts.lost === null)
    note(
      'lost, doubled and reordered are not known: no server was asked what it holds (--held-by the surviving primary)',
    );
  process.exitCode = violations.length === 0 ? 0 : 1;
}

const note = (text: string): void => void process.stderr.write(`${text}\n`);
