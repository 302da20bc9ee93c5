import { availableParallelism } from 'node:os';
import type { Scenario } from '../../model/scenario.ts';
import type { Lab } from '../lab.ts';
import { findLabs } from '../place.ts';
import { ownAgentCommand } from '../plan.ts';
import type { Campaign } from '../report/campaign.ts';
import { type Verdict, verdictOf } from '../verdict/verdict.ts';
import { type Evidence, notPlayed } from './evidence.ts';
import { isFitAgain } from './heal.ts';
import { play } from './play.ts';
import { type Script, scriptOf } from './script.ts';
import { openTheatre, setUpOf, type Theatre } from './theatre.ts';

/** A scenario to play; without a script, its own steps. */
export interface Played {
  readonly scenario: Scenario;
  readonly script?: (theatre: Theatre, run: number) => Script;
}

/** One run of a campaign. */
export interface Turn extends Played {
  /** From 1, over all runs of that name: reports tell them apart by it. */
  readonly run: number;
  /** So many of that name there are. */
  readonly runs: number;
}

export interface CampaignOptions {
  readonly plays: readonly Played[];
  /** How often each is played. */
  readonly times: number;
  readonly ttlS: number;
  readonly agentCommand: string | null;
  readonly say: (line: string) => void;
  /** The lab may be taken down by calling `end` at any time. */
  readonly began: (end: () => Promise<void>) => void;
  /** Nothing more is wanted: what is being played finds its lab gone, and no other is made. */
  readonly over: () => boolean;
  /** Called with each run as soon as it is judged, while its lab is there; null: none came up. */
  readonly judged: (verdict: Verdict, evidence: Evidence, lab: Lab | null) => void;
}

export interface RunningCampaign {
  /** Settles when everything is played. */
  readonly played: Promise<void>;
  /** What was judged until now; by what it was ended before its time, or null. */
  soFar(endedBy: string | null): Campaign;
}

/** Plays scenarios one after the other; those with the same set-up share a lab as long as it gets healthy again. */
export function runCampaign(options: CampaignOptions): RunningCampaign {
  const otherLabs = findLabs().filter(({ running }) => running).length;
  if (otherLabs > 0) options.say(`${otherLabs} other lab runs on this machine: figures are of little worth`);
  const startedWall = new Date().toISOString();
  const verdicts: Verdict[] = [];
  return {
    played: playAll(options, verdicts),
    soFar: (endedBy) => ({
      startedWall,
      agentCommand: options.agentCommand ?? ownAgentCommand,
      ttlS: options.ttlS,
      cores: availableParallelism(),
      otherLabs,
      runsWanted: options.plays.length * options.times,
      endedBy,
      verdicts: [...verdicts],
    }),
  };
}

async function playAll(options: CampaignOptions, verdicts: Verdict[]): Promise<void> {
  const { plays, times, say } = options;
  let theatre: Theatre | null = null;
  try {
    for (const { scenario, script, run, runs } of turnsOf(plays, times, options)) {
      if (options.over()) return;
      if (theatre !== null && theatre.setUp !== setUpOf(scenario, options)) theatre = await close(theatre);
      const title = runs === 1 ? scenario.name : `${scenario.name} ${run}/${runs}`;
      const slug = `${scenario.name}-${run}-${verdicts.length}`;
      let evidence: Evidence;
      try {
        theatre ??= await openTheatre(scenario, options);
        evidence = await play(theatre, scenario, script?.(theatre, run) ?? scriptOf(scenario), slug, (line) =>
          say(`${title}: ${line}`),
        );
      } catch (error) {
        // Neither a lab that does not come up nor a missing tool keeps the other scenarios from being played.
        evidence = notPlayed(scenario.name, error instanceof Error ? error.message : String(error));
      }
      if (options.over()) return;
      const verdict = verdictOf(scenario, evidence, run);
      verdicts.push(verdict);
      say(`${title}: ${verdict.passed ? 'passed' : `FAILED${verdict.broken === null ? '' : `, ${verdict.broken}`}`}`);
      options.judged(verdict, evidence, theatre?.lab ?? null);
      if (theatre !== null && !(await isFitAgain(theatre, say))) theatre = await close(theatre);
    }
  } finally {
    await theatre?.end();
  }
}

/** Every run in its turn, also of scenarios that are named more than once. */
export function turnsOf(
  plays: readonly Played[],
  times: number,
  options: Pick<CampaignOptions, 'ttlS' | 'agentCommand'>,
): readonly Turn[] {
  const all = bySetUp(plays, options).flatMap((played) => Array.from({ length: times }, () => played));
  const counts = new Map<string, number>();
  const counted = all.map((played) => {
    const run = (counts.get(played.scenario.name) ?? 0) + 1;
    counts.set(played.scenario.name, run);
    return { ...played, run };
  });
  return counted.map((turn) => ({ ...turn, runs: counts.get(turn.scenario.name) ?? 1 }));
}

/** In the order given, but all of one set-up after its first. */
function bySetUp(plays: readonly Played[], options: Pick<CampaignOptions, 'ttlS' | 'agentCommand'>): readonly Played[] {
  const first = new Map<string, number>();
  for (const [index, { scenario }] of plays.entries()) {
    const setUp = setUpOf(scenario, options);
    if (!first.has(setUp)) first.set(setUp, index);
  }
  const rank = ({ scenario }: Played): number => first.get(setUpOf(scenario, options)) ?? 0;
  return plays.toSorted((a, b) => rank(a) - rank(b));
}

async function close(theatre: Theatre): Promise<null> {
  await theatre.end();
  return null;
}
