import type { Holding, Right } from '../../model/history.ts';
import { durationMs, type Scenario, type Step } from '../../model/scenario.ts';
import { untilProxySettled } from '../bench/haproxy.ts';
import { startClients } from '../clients.ts';
import { withTrueTimes } from '../faults/trueTimes.ts';
import type { Lab } from '../lab.ts';
import { memoryOfLab } from '../memory.ts';
import { sqlOn } from '../psql.ts';
import { delay } from '../run.ts';
import { promotionsOf } from '../witness.ts';
import { type Cast, castOf, machinesOf } from './cast.ts';
import { errorsOf, errorsSince } from './errors.ts';
import type { Evidence, SideWork, StepDone } from './evidence.ts';
import { readJournals } from './journals.ts';
import { awaitLimitMs, perform, type Stage } from './perform.ts';
import type { Script } from './script.ts';
import { makeSideWorks } from './sideWork.ts';
import { untilStreaming } from './streaming.ts';
import { natureOf, tellStep } from './tell.ts';
import type { Theatre } from './theatre.ts';

/** What is seen before the first step, so that a picture begins with a cluster that is well. */
const preludeMs = 2_000;

/**
 * Plays a scenario once in a lab that is healthy. Nothing that goes wrong in it is thrown: it is part of the evidence. The
 * signal breaks it off: no further step is taken, and the clients end.
 */
export async function play(
  theatre: Theatre,
  scenario: Scenario,
  script: Script,
  run: string,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<Evidence> {
  const { lab, witnesses, rights } = theatre;
  const ttlMs = lab.plan.timings.ttlS * 1_000;
  const leader = (await lab.waitHealthy(awaitLimitMs(ttlMs), signal)).leader ?? '';
  await untilProxySettled(lab, leader, awaitLimitMs(ttlMs), signal);
  const cast = await castOf(lab, leader);
  const mark = witnesses.mark();
  const clients = await startClients(lab, run);
  const sideWorks = makeSideWorks(lab, run);
  const steps: StepDone[] = [];
  let broken: string | null = null;
  let fromMs = Date.now();
  let streamingAgainMs: number | null = null;
  let primaryAfter: string | null = null;
  let holdings: readonly Holding[] = [];
  let sideWork: readonly SideWork[] = [];
  let memoryMb: number | null = null;
  let errorsBefore = errorsOf(clients);
  try {
    if (!(await clients.untilSteady(30_000, signal)))
      throw new Error('the clients were not served before the first step');
    fromMs = Date.now();
    errorsBefore = errorsOf(clients);
    await delay(preludeMs, signal);
    const stage: Stage = { ...theatre, cast, clients, sideWorks, ttlMs, signal };
    await script(async (step) => {
      signal?.throwIfAborted();
      const done = await take(stage, step);
      steps.push(done);
      say(`${done.text}${done.failed === null ? '' : `: ${done.failed}`}`);
      return done;
    });
    const within = scenario.expect.streamingWithin;
    const limitMs = Math.max(awaitLimitMs(ttlMs), within === null ? 0 : durationMs(within, ttlMs));
    const again = await untilStreaming(lab, limitMs, signal);
    streamingAgainMs = again?.afterMs ?? null;
    say(
      again === null
        ? `not all replicas stream after ${limitMs / 1_000} s`
        : `${again.leader} leads, all replicas stream`,
    );
    if (again !== null && !(await clients.untilSteady(30_000, signal)))
      say('the clients are not served steadily again');
    memoryMb = memoryOfLab(lab).pssMb;
    await clients.stop();
    primaryAfter = again?.leader ?? (await lab.status()).leader;
    if (primaryAfter === null) throw new Error('nobody leads in the end: nobody can say what is left of the writes');
    holdings = await holdingsOf(lab, primaryAfter, clients.keys);
    sideWork = await sideWorks.outcomes(primaryAfter);
    await rights.caughtUp(signal);
  } catch (error) {
    broken = error instanceof Error ? error.message : String(error);
  }
  // What was looked at after they were stopped took its time, in which nobody asked for anything.
  const untilMs = await clients.stop().finally(() => sideWorks.end());
  const clocks = scenario.steps.flatMap((step) => (step.kind === 'setClock' ? [durationMs(step.by, ttlMs)] : []));
  const seen = withTrueTimes([...witnesses.history(mark), ...clients.history()], clocks);
  return {
    scenario: scenario.name,
    nodes: lab.nodes.map(({ name }) => name),
    ttlMs,
    fromMs,
    untilMs,
    steps,
    primaryBefore: cast.primary,
    primaryAfter,
    history: [...seen, ...rights.rights().map(withEnd), ...promotionsOf(seen), ...holdings],
    leaderKey: rights.events().map(({ heardMs, holder }) => ({ atMs: heardMs, holder: holder?.name ?? null })),
    journals: readJournals(lab, fromMs),
    streamingAgainMs,
    sideWork,
    memoryMb,
    errors: errorsSince(errorsBefore, errorsOf(clients)),
    broken,
  };
}

async function take(stage: Stage, step: Step): Promise<StepDone> {
  const { lab, cast } = stage;
  // Named before: who leads may be another afterwards.
  const nodes = 'of' in step || 'what' in step ? await namesIn(lab, cast, step) : [];
  const fromMs = Date.now();
  const failed = await perform(stage, step).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const told = tellStep(step);
  // Steps that name machines by role: who that was.
  const isTold = nodes.length === lab.nodes.length || nodes.every((name) => told.includes(name));
  return {
    text: isTold ? told : `${told}: ${nodes.join(', ')}`,
    nature: natureOf(step),
    nodes,
    fromMs,
    untilMs: Date.now(),
    failed,
  };
}

async function namesIn(lab: Lab, cast: Cast, step: Step): Promise<readonly string[]> {
  const targets = 'of' in step ? [step.of].flat() : 'what' in step && typeof step.what === 'object' ? step.what.of : [];
  const machines = await machinesOf(lab, cast, targets).catch(() => []); // performing it says so
  return machines.map(({ name }) => name);
}

/** A right that goes on has no end, and JSON no word for that. */
const withEnd = (right: Right): Right => ({ ...right, untilMs: Math.min(right.untilMs, Number.MAX_SAFE_INTEGER) });

/** What the last primary holds of the writers' values, in the order of appending. */
async function holdingsOf(lab: Lab, node: string, keys: readonly string[]): Promise<readonly Holding[]> {
  const rows = await Promise.all(
    keys.map(async (key): Promise<Holding> => {
      const text = `select string_agg(value::text, ',' order by id) from matriarch_traffic where key = '${key}'`;
      const values = await sqlOn(lab, node, text, 60_000);
      return { kind: 'holding', node, key, values: values === '' ? [] : values.split(',').map(Number) };
    }),
  );
  return rows;
}
