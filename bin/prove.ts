import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeScenario } from '../src/codec/scenario/write.ts';
import type { Lab } from '../src/lab/lab.ts';
import { ownAgentCommand } from '../src/lab/plan.ts';
import { type ProofLine, proofLineOf, proofText } from '../src/lab/proofs/line.ts';
import type { Played } from '../src/lab/scenario/campaign.ts';
import type { Evidence } from '../src/lab/scenario/evidence.ts';
import type { RandomOptions } from '../src/lab/scenario/random.ts';
import type { Verdict } from '../src/lab/verdict/verdict.ts';
import type { Scenario } from '../src/model/scenario.ts';
import { commitOf } from './commit.ts';
import { playAll } from './labPlays.ts';
import { makeReportFolder } from './labReport.ts';
import { appendToRecord, type RecordLine } from './trackRecord.ts';

export interface LabLine extends RecordLine, ProofLine {
  readonly campaign: 'matrix' | 'cuts' | 'random';
  /** Of matrix: of the order. Of random: of the faults. */
  readonly seed?: number;
  /** Of random: how long faults struck. */
  readonly minutes?: number;
  readonly mode?: RandomOptions['mode'];
}

/** What is played, and what tells its lines from others of the campaign. */
export interface Proof {
  readonly campaign: LabLine['campaign'];
  readonly plays: readonly { readonly played: Played; readonly of: Pick<LabLine, 'seed' | 'minutes' | 'mode'> }[];
  /** What plays the same again: of random it is known only when it has been played. */
  readonly replay: (name: string) => Scenario | null;
}

export interface ProofFlags {
  readonly ttl: number;
  readonly record: string;
  readonly report?: string;
}

/** Plays all of it, each result at once on the record. Exit code. */
export async function prove({ campaign, plays, replay }: Proof, flags: ProofFlags): Promise<number> {
  const screen = makeScreen();
  const commit = commitOf();
  let [done, failed] = [0, 0];
  let reports: string | null = null;
  screen.line(`${campaign}: ${plays.length} runs, results in ${flags.record}; Ctrl-C drops the one under way`);
  const { endedBy } = await playAll({
    plays: plays.map(({ played }) => played),
    times: 1,
    ttlS: flags.ttl,
    agentCommand: null,
    say: screen.status,
    judged(verdict, evidence, lab) {
      const of = plays.find(({ played }) => played.scenario.name === verdict.scenario)?.of ?? {};
      const shown = proofLineOf(verdict, flags.ttl);
      done += 1;
      screen.line(`${done} of ${plays.length}  ${proofText(shown)}`);
      // Without a lab nothing was shown: the next call begins with it.
      const line: LabLine = { campaign, at: new Date().toISOString(), commit, ...of, ...shown };
      if (evidence.nodes.length > 0) appendToRecord(line, flags.record);
      if (verdict.passed) return;
      failed += 1;
      reports ??= flags.report ?? mkdtempSync(join(tmpdir(), `matriarch-${campaign}-`));
      mkdirSync(reports, { recursive: true });
      const folder = mkdtempSync(join(reports, `${verdict.scenario}-`));
      keepFailed(folder, flags.ttl, { verdict, evidence, lab });
      const file = join(folder, `${verdict.scenario}.yml`);
      const scenario = replay(verdict.scenario);
      if (scenario === null)
        return screen.line(`  kept in ${folder}; nothing has struck: there is nothing to play again`);
      writeFileSync(file, writeScenario(scenario));
      screen.line(`  kept in ${folder}; again: matriarch lab run ${file} --ttl ${flags.ttl}`);
    },
  });
  screen.line(`${campaign}: ${done} played, ${failed} failed${endedBy === null ? '' : ', broken off'}`);
  if (endedBy !== null) return 130;
  return failed === 0 ? 0 : 1;
}

interface Seen {
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  readonly lab: Lab | null;
}

function keepFailed(folder: string, ttlS: number, { verdict, evidence, lab }: Seen): void {
  const report = makeReportFolder(folder);
  report.keep(verdict, evidence, lab);
  report.write({
    startedWall: new Date(evidence.fromMs).toISOString(),
    agentCommand: ownAgentCommand,
    ttlS,
    cores: availableParallelism(),
    otherLabs: 0,
    runsWanted: 1,
    endedBy: null,
    verdicts: [verdict],
  });
}

/** Results are lines that stay. What happens meanwhile is one line that changes; in a pipe, lines as well. */
function makeScreen(): { line(text: string): void; status(text: string): void } {
  const startedMs = performance.now();
  const { stderr } = process;
  const clear = stderr.isTTY ? '\r\x1b[K' : '';
  return {
    line: (text) => void stderr.write(`${clear}${text}\n`),
    status(text) {
      const since = `${Math.round((performance.now() - startedMs) / 1_000)} s: ${text}`;
      stderr.write(stderr.isTTY ? `${clear}${since.slice(0, stderr.columns - 1)}` : `  ${since}\n`);
    },
  };
}
