import { type InstantMs, instantMs, type Pid } from '../model/units.ts';
import type { World } from '../model/world.ts';
import type { Act } from './acts.ts';
import { judge, type Sight, type Verdict } from './judge.ts';
import { controlState, runningOn, wasTold } from './postmaster.ts';
import { makeQuick, type Quick } from './quick.ts';

/** Between two looks while something runs. */
const againMs = 50;
/** Between two looks at postmaster.pid while nothing runs, the deadline staying passed: a restart must not escape. */
const watchMs = 100;
/** Between two walks over all processes then. */
const walkMs = 1_000;

export interface StrikeParts {
  readonly dataDir: string;
  readonly stateDir: string;
  readonly controldataProgram: string;
  /** Read anew at each look: it may move, or be taken away. */
  readonly deadlineMs: () => InstantMs | null;
  /** Never to be killed, whatever a stale file says. */
  readonly notThese: () => readonly Pid[];
  readonly act: Act;
}

/**
 * Looks for PostgreSQL as it is now and stops it, again and again, for as long as the deadline stays passed. It is found
 * by its data directory each time, so that neither a restart in place nor a backend that outlives its postmaster escapes.
 */
export async function strikeWhilePassed(
  world: Pick<World, 'clock' | 'files' | 'processes'>,
  parts: StrikeParts,
): Promise<void> {
  const { clock } = world;
  const quick = makeQuick(clock);
  const beganMs = clock.now();
  let walkAtMs = beganMs;
  let last: Verdict['kind'] = 'rest';
  parts.act('the deadline has passed', [['lateMs', beganMs - (parts.deadlineMs() ?? beganMs)]]);

  for (;;) {
    const thorough = clock.now() >= walkAtMs;
    const sight = await look(world, quick, parts, thorough);
    const verdict = judge(sight);
    if (verdict.kind === 'rest') {
      parts.act('a deadline ahead, or none: no more strikes');
      return;
    }
    if (verdict.kind === 'strike') strike(world, verdict);
    if (verdict.kind !== last) tell(parts.act, verdict, sight.nowMs - beganMs);
    last = verdict.kind;
    // After a strike the next look is a walk: only that shows that nothing is left.
    if (verdict.kind === 'strike') walkAtMs = clock.now();
    else if (thorough) walkAtMs = instantMs(clock.now() + walkMs);
    await clock.sleep(verdict.kind === 'strike' ? againMs : verdict.kind === 'spare' ? walkMs : watchMs);
  }
}

async function look(
  world: Pick<World, 'clock' | 'files' | 'processes'>,
  quick: Quick,
  parts: StrikeParts,
  thorough: boolean,
): Promise<Sight> {
  const { dataDir } = parts;
  const running = await runningOn(world, quick, dataDir, parts.notThese(), thorough);
  const signal = running.postmaster === null ? null : await quick(() => world.files.stat(`${dataDir}/standby.signal`));
  const standbyState =
    signal?.kind === 'file' ? await controlState(world.processes, parts.controldataProgram, dataDir) : null;
  const told =
    running.postmaster !== null && standbyState !== null
      ? await wasTold(world.files, quick, parts.stateDir, running.postmaster)
      : false;
  // Time and deadline last: what was asked meanwhile counts.
  return { ...running, standbyState, told, nowMs: world.clock.now(), deadlineMs: parts.deadlineMs() };
}

/**
 * The postmaster is stopped first, so that it starts no more children and none of its own clean-up begins; then its
 * children die, which have sessions of their own and would outlive it, then it.
 */
function strike(
  { processes }: Pick<World, 'processes'>,
  { postmaster, others }: Extract<Verdict, { kind: 'strike' }>,
): void {
  if (postmaster !== null) processes.signal(postmaster, 'STOP');
  const children = postmaster === null ? [] : processes.children(postmaster).map(({ pid }) => pid);
  for (const pid of new Set([...children, ...others])) processes.signal(pid, 'KILL');
  if (postmaster !== null) processes.signal(postmaster, 'KILL');
}

function tell(act: Act, verdict: Exclude<Verdict, { kind: 'rest' }>, sinceMs: number): void {
  switch (verdict.kind) {
    case 'strike':
      act('PostgreSQL is killed', [
        ['postmaster', verdict.postmaster],
        ['others', verdict.others.length],
        ['sinceMs', sinceMs],
      ]);
      return;
    case 'clear':
      act('nothing runs on the data directory', [['sinceMs', sinceMs]]);
      return;
    case 'spare':
      act('PostgreSQL is left alone: it runs in recovery', [['postmaster', verdict.postmaster]]);
      return;
    default:
      verdict satisfies never;
  }
}
