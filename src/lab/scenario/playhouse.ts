import { availableParallelism } from 'node:os';
import type { PlayedStep, PlayPicture, PlayVerdict, ScenarioPicture } from '../../model/livePlay.ts';
import type { Scenario } from '../../model/scenario.ts';
import type { Lab } from '../lab.ts';
import { findLabs } from '../place.ts';
import { ctlOn } from '../psql.ts';
import { complaintsOf } from '../report/campaign.ts';
import { htmlOf, sectionOf } from '../report/html.ts';
import { type Verdict, verdictOf } from '../verdict/verdict.ts';
import { type Evidence, notPlayed } from './evidence.ts';
import { whyNotHere } from './fit.ts';
import { isFitAgain } from './heal.ts';
import { awaitLimitMs } from './perform.ts';
import { play } from './play.ts';
import type { Script } from './script.ts';
import { shippedScenarios } from './shelf.ts';
import { natureOf, tellStep } from './tell.ts';
import { borrowTheatre, type Theatre } from './theatre.ts';

/** Plays the scenarios that come with the program in a lab that somebody keeps: one at a time, and what it broke is mended. */
export interface Playhouse {
  readonly scenarios: readonly ScenarioPicture[];
  /** What is played, or was played last. */
  play(): PlayPicture | null;
  /** The title of what is played, until all it broke is mended; null: nothing. */
  playing(): string | null;
  /** Told when anything of the play changes; gives what ends that. */
  listen(receive: () => void): () => void;
  /** Throws why it cannot be played now. */
  start(name: string): void;
  /** No further step is taken, and what was broken is mended. Throws when nothing is played. */
  stop(): void;
  /** A page that needs nothing else; null: there is none of that number, or not any more. */
  report(number: number): string | null;
  /** The lab goes: nothing is mended any more. Settles when nothing is done to it any more. */
  end(): Promise<void>;
}

const reportsMost = 10;
const stopped = new Error('stopped');

/** `deed`: told of each fault, remedy and act, when it begins. */
export function makePlayhouse(lab: Lab, deed: (line: string) => void): Playhouse {
  const shelf = shippedScenarios();
  const scenarios = shelf.map((scenario): ScenarioPicture => {
    const { name, title, description, long, red } = scenario;
    return { name, title, description, long, red, whyNot: whyNotHere(scenario, lab) };
  });
  const listeners = new Set<() => void>();
  const reports = new Map<number, string>();
  let now: PlayPicture | null = null;
  let stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let over = false;

  const playing = (): string | null => (now === null || now.endedWallMs !== null ? null : now.title);
  function tell(change: Partial<PlayPicture>): void {
    if (now === null) return;
    now = { ...now, ...change };
    for (const receive of listeners) receive();
  }
  function tellStepOf(index: number, change: Partial<PlayedStep>): void {
    tell({ doing: null, steps: (now?.steps ?? []).map((step, at) => (at === index ? { ...step, ...change } : step)) });
  }

  /** The scenario's own steps, each told when it begins and ends. */
  const toldScript =
    ({ steps }: Scenario): Script =>
    async (take) => {
      for (const [index, step] of steps.entries()) {
        tellStepOf(index, { state: 'now' });
        if (natureOf(step) !== 'calm') deed(tellStep(step));
        const { text, failed, fromMs, untilMs } = await take(step);
        const tookMs = untilMs - fromMs;
        tellStepOf(index, { text, state: failed === null ? 'done' : 'failed', why: failed, tookMs });
      }
      tell({ doing: 'waits until all replicas stream and clients are served' });
    };

  async function run(scenario: Scenario, number: number, signal: AbortSignal): Promise<void> {
    let theatre: Theatre | null = null;
    let evidence: Evidence;
    try {
      await lab.waitHealthy(awaitLimitMs(lab.plan.timings.ttlS * 1_000), signal);
      theatre = await borrowTheatre(lab);
      evidence = await play(theatre, scenario, toldScript(scenario), `page-${number}`, () => {}, signal);
    } catch (error) {
      evidence = notPlayed(scenario.name, error instanceof Error ? error.message : String(error));
    }
    if (!signal.aborted) {
      const verdict = verdictOf(scenario, evidence, number);
      keepReport(number, reportOf(lab, verdict, evidence, now?.startedWallMs ?? 0));
      tell({ verdict: toldVerdict(verdict) });
    } else tell({ verdict: { kind: 'stopped', complaints: [], report: false } });
    try {
      if (theatre !== null && !over) await mend(theatre, scenario, signal.aborted);
    } finally {
      await theatre?.end();
    }
  }
  async function mend(theatre: Theatre, { steps }: Scenario, early: boolean): Promise<void> {
    tell({ doing: 'mends what was broken' });
    if (early && steps.some(({ kind }) => kind === 'pause')) {
      const { leader } = await lab.status();
      // Refused where it is not paused, or not any more.
      if (leader !== null) await ctlOn(lab, leader, ['resume', lab.plan.scope, '--wait']);
    }
    await isFitAgain(theatre, complain);
  }
  function complain(line: string): void {
    const verdict = now?.verdict ?? { kind: 'failed', complaints: [], report: false };
    tell({ verdict: { ...verdict, complaints: [...verdict.complaints, line] } });
  }
  function keepReport(number: number, text: string): void {
    reports.set(number, text);
    reports.delete(number - reportsMost);
  }

  return {
    scenarios,
    play: () => now,
    playing,
    listen(receive) {
      listeners.add(receive);
      return () => listeners.delete(receive);
    },
    start(name) {
      const scenario = shelf.find((one) => one.name === name);
      if (scenario === undefined) throw new Error('there is no such scenario: "matriarch lab run --list" names them');
      const busy = playing();
      if (busy !== null) throw new Error(`"${busy}" is being played: one at a time`);
      const whyNot = whyNotHere(scenario, lab);
      if (whyNot !== null) throw new Error(`"${scenario.title}" cannot be played here: ${whyNot}`);
      if (over) throw new Error('the lab is being taken down');
      const number = (now?.number ?? 0) + 1;
      stopping = new AbortController();
      now = {
        number,
        title: scenario.title,
        startedWallMs: Date.now(),
        endedWallMs: null,
        doing: 'waits until one leads, all others stream, and clients are served',
        steps: scenario.steps.map((step) => ({ text: tellStep(step), state: 'ahead', why: null, tookMs: null })),
        verdict: null,
      };
      tell({});
      running = run(scenario, number, stopping.signal)
        // The lab went, or a machine of it: the page says so, and nothing else depends on it.
        .catch((error: unknown) => complain(error instanceof Error ? error.message : String(error)))
        .finally(() => tell({ doing: null, endedWallMs: Date.now() }));
    },
    stop() {
      if (playing() === null) throw new Error('no scenario is being played');
      if (now?.verdict != null) throw new Error('it is over: what it broke is being mended');
      tell({ doing: 'stops' });
      stopping.abort(stopped);
    },
    report: (number) => reports.get(number) ?? null,
    end() {
      over = true;
      stopping.abort(stopped);
      return running;
    },
  };
}

const toldVerdict = (verdict: Verdict): PlayVerdict => ({
  kind: verdict.passed ? 'passed' : 'failed',
  complaints: [...complaintsOf(verdict), ...(verdict.red === null ? [] : [`known: ${verdict.red}`])],
  report: true,
});

const reportOf = ({ dir, plan }: Lab, verdict: Verdict, evidence: Evidence, startedWallMs: number): string =>
  htmlOf(
    {
      startedWall: new Date(startedWallMs).toISOString(),
      agentCommand: plan.agentCommand ?? 'no agent',
      ttlS: plan.timings.ttlS,
      cores: availableParallelism(),
      otherLabs: findLabs().filter((other) => other.running && other.dir !== dir).length,
      runsWanted: 1,
      endedBy: null,
      verdicts: [verdict],
    },
    [sectionOf(verdict, evidence)],
  );
