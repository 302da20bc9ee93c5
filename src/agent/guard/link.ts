import { bootIdPath, guardFile, heldBy, readGuardState, readIdentity, sentinelPidFile } from '../../codec/guard.ts';
import type { HeldLease } from '../../model/cluster.ts';
import type { Fact } from '../../model/decision.ts';
import type { GuardReply, GuardState, GuardView, Watchdog } from '../../model/guard.ts';
import type { ControlOutcome } from '../../model/outcome.ts';
import type { WatchdogSettings } from '../../model/settings.ts';
import { type InstantMs, instantMs, type Pid, pid as pidOf } from '../../model/units.ts';
import type { Cancel, Command, World } from '../../model/world.ts';
import { makeDevice } from './device.ts';
import { joinGuardian } from './join.ts';
import type { GuardPeer } from './peer.ts';

export interface GuardLinkOptions {
  readonly stateDir: string;
  readonly dataDir: string;
  readonly watchdog: WatchdogSettings;
  readonly launchGuardian: Command;
  /** This agent's version: a guardian of another is kept, and named. */
  readonly version?: string;
  /** The device; null or absent: none. */
  readonly device?: Watchdog | null;
  /** Watches a postmaster that was not started by it, and so has none behind it; null or absent: none. */
  readonly sentinel?: { readonly program: string; readonly script: string; readonly graceMs: () => number } | null;
  readonly note: (level: 'info' | 'warning' | 'error', text: string, because?: readonly Fact[]) => void;
  readonly wake: (reason: string) => void;
}

export type Deadline = Pick<HeldLease, 'deadlineMs' | 'lease' | 'term' | 'ttlMs' | 'sentMs'>;

export interface GuardLink {
  view(): GuardView;
  /** Finds or starts the guardian; from then on it is kept alive. */
  open(): Promise<GuardView>;
  /** What was in force when this agent began; null: nothing. Known after `open`. */
  restored(): GuardState | null;
  /** Settles when the guardian has confirmed, or could not by the limit. */
  setDeadline(deadline: Deadline, limitMs: number): Promise<ControlOutcome>;
  /**
   * The deadline of this term becomes an earlier one, in all guards; after `setDeadline`. `endMs`: the device, too, must have fired by
   * then. A failure: some guard still goes by the later one, as the guardian of an agent that did not know of this.
   */
  lowerDeadline(deadline: Deadline, endMs: InstantMs, limitMs: number): Promise<ControlOutcome>;
  disarm(limitMs: number, options?: { readonly paused?: boolean }): Promise<ControlOutcome>;
  /** This agent ends: the guardian too if there is nothing to guard, else it stays on, and does not start another agent. */
  close(): Promise<void>;
}

const againMs = 250;
const closeLimitMs = 3_000;
const sentinelPath = '/usr/local/bin:/usr/bin:/bin';
/** Renewals come at most this often with a look at the sentinel. */
const sentinelLookMs = 1_000;

export function makeGuardLink(
  world: Pick<World, 'clock' | 'files' | 'processes' | 'sockets'>,
  options: GuardLinkOptions,
): GuardLink {
  const { clock, files, processes } = world;
  const { stateDir, dataDir, watchdog, note, wake } = options;
  const off = watchdog.guard === 'off';
  const device = makeDevice(clock, off || watchdog.mode === 'off' ? null : (options.device ?? null));

  let peer: { readonly with: GuardPeer; readonly pid: Pid; readonly cancel: Cancel } | null = null;
  let why = 'not opened yet';
  let inForce: Deadline | null = null;
  let confirmedMs: InstantMs | null = null;
  let takenOver: GuardState | null = null;
  let bootId = '';
  let sentinel = false;
  let sentinelSeenMs: InstantMs | null = null;
  let closed = false;
  /** Why a deadline that became an earlier one is not in force yet. */
  let stays: string | null = null;
  let joining: { readonly first: Promise<void>; readonly done: Promise<void> } | null = null;

  /** Tries until it succeeds or the link is closed; `first` settles after the first try. */
  function join(): { readonly first: Promise<void>; readonly done: Promise<void> } {
    if (joining !== null) return joining;
    const first = tryJoin();
    const done = first.then(keepTrying).finally(() => {
      joining = null;
    });
    joining = { first, done };
    return joining;
  }

  async function keepTrying(): Promise<void> {
    for (let tries = 1; !closed && peer === null; tries += 1) {
      await clock.sleep(Math.min(againMs * tries, 1_000));
      if (!closed) await tryJoin();
    }
  }

  async function tryJoin(): Promise<void> {
    const failed = await joinOnce();
    if (failed !== null && failed !== why) note('error', `no guardian: ${failed}`);
    why = failed ?? why;
  }

  async function joinOnce(): Promise<string | null> {
    let mine: GuardPeer | null = null;
    const joined = await joinGuardian(world, {
      stateDir,
      launchGuardian: options.launchGuardian,
      heard: {
        note: ({ step, because, wall }) => note('warning', `guardian: ${step}`, [...because, ['wall', wall]]),
        closed: () => mine !== null && lost(mine, 'its connection closed'),
      },
    });
    if (joined.kind === 'failed') return joined.why;
    mine = joined.peer;
    if (closed) {
      await takeLeave(mine);
      return null;
    }
    welcome(mine, joined.hello);
    // The one before it may not have been told, or may have lost what it was told.
    if (inForce !== null && inForce.deadlineMs > clock.now()) await tell(inForce, 1_000);
    await lookAtSentinel();
    wake('guardian');
    return null;
  }

  function welcome(mine: GuardPeer, hello: GuardReply): void {
    const guardianPid = pidOf(hello.guardianPid);
    const info = processes.describe(guardianPid);
    const gone = (): void => lost(mine, 'it died');
    const cancel =
      info === null ? clock.at(clock.now(), gone) : processes.watchExit(guardianPid, info.startTicks, gone);
    peer = { with: mine, pid: guardianPid, cancel };
    confirmedMs = hello.deadlineMs === null ? null : instantMs(hello.deadlineMs);
    if (confirmedMs !== null && inForce === null) takenOver = heldBy(hello, bootId, dataDir);
    if (options.version !== undefined && hello.version !== options.version)
      note('info', 'the running guardian is of another version and is kept', [
        ['guardian', hello.version],
        ['agent', options.version],
      ]);
  }

  /** The guardian is gone: another is started at once, and told the deadline in force. */
  function lost(mine: GuardPeer, how: string): void {
    if (peer?.with !== mine) return;
    peer.cancel();
    peer = null;
    confirmedMs = null;
    why = how;
    mine.close();
    if (closed) return;
    note('warning', `the guardian is lost: ${how}`);
    wake('guardian');
    void join().done;
  }

  async function tell(deadline: Deadline, limitMs: number, ask: 'deadline' | 'lower' = 'deadline') {
    if (peer === null) return why;
    const { with: mine } = peer;
    const { deadlineMs, ttlMs, sentMs, lease, term } = deadline;
    const reply = await mine.ask(
      { ask, deadlineMs, ttlMs, sentMs, lease: lease.toString(), term: term.toString() },
      limitMs,
    );
    if (reply === null) {
      lost(mine, `no answer in ${limitMs} ms`);
      return why;
    }
    if (!reply.ok) return reply.why ?? 'refused';
    confirmedMs = reply.deadlineMs === null ? null : instantMs(reply.deadlineMs);
    return null;
  }

  async function lookAtSentinel(): Promise<void> {
    sentinelSeenMs = clock.now();
    const file = await files.read(sentinelPidFile(stateDir));
    const identity = file.kind === 'text' ? readIdentity(file.text) : null;
    const found = identity === null ? null : processes.describe(identity.pid);
    sentinel = found !== null && found.state !== 'dead' && found.startTicks === identity?.startTicks;
    if (!sentinel && inForce !== null) await watchAdopted();
  }

  /** A server that an operator started, or that outlived its sentinel. Without a postmaster the script ends at once. */
  async function watchAdopted(): Promise<void> {
    if (options.sentinel === undefined || options.sentinel === null) return;
    const { program, script, graceMs } = options.sentinel;
    const args = [script, '--watch', stateDir, dataDir, String(graceMs())];
    const launched = await processes.launch({ program, args, env: { PATH: sentinelPath } }, `${stateDir}/sentinel.out`);
    if (launched.kind === 'failed') note('error', `no sentinel: ${launched.why}`);
  }

  function view(): GuardView {
    if (off) return { kind: 'off' };
    if (peer === null) return { kind: 'absent', why };
    const state = device.state();
    if (watchdog.guard === 'device' && state === 'missing')
      return { kind: 'absent', why: `the watchdog device is asked for: ${device.why()}` };
    const freezeGuard = state === 'open' ? 'device' : sentinel ? 'sentinel' : null;
    return { kind: 'present', pid: peer.pid, armedMs: confirmedMs, freezeGuard, device: state };
  }

  async function open(): Promise<GuardView> {
    if (off) return view();
    const boot = await files.read(bootIdPath);
    bootId = boot.kind === 'text' ? boot.text.trim() : '';
    // When no guardian can be had: what the last one left on disk, in this boot.
    const file = await files.read(guardFile(stateDir));
    const left = file.kind === 'text' ? readGuardState(file.text) : null;
    await join().first;
    if (peer === null && left?.bootId === bootId && left.dataDir === dataDir && left.deadlineMs !== null)
      takenOver = left;
    return view();
  }

  async function setDeadline(deadline: Deadline, limitMs: number): Promise<ControlOutcome> {
    if (off) return { kind: 'done' };
    inForce = deadline;
    const endMs = clock.now() + limitMs;
    if (peer === null) await Promise.race([join().done, clock.sleep(limitMs)]);
    const failed = await tell(deadline, Math.max(endMs - clock.now(), 1));
    if (failed !== null) return { kind: 'failed', why: failed };
    const problem = device.pat(deadline.deadlineMs, instantMs(deadline.sentMs + deadline.ttlMs));
    if (problem !== null && watchdog.guard === 'device') return { kind: 'failed', why: problem };
    if (sentinelSeenMs === null || clock.now() - sentinelSeenMs >= sentinelLookMs) void lookAtSentinel();
    return { kind: 'done' };
  }

  async function lowerDeadline(deadline: Deadline, endMs: InstantMs, limitMs: number): Promise<ControlOutcome> {
    if (off) return { kind: 'done' };
    const problem = (await tell(deadline, limitMs, 'lower')) ?? laterGuard(deadline.deadlineMs, endMs);
    // Once, and not with each renewal until the later deadline is over.
    if (problem !== null && problem !== stays) note('info', `a guard keeps its later deadline for now: ${problem}`);
    stays = problem;
    return problem === null ? { kind: 'done' } : { kind: 'failed', why: problem };
  }

  function laterGuard(deadlineMs: InstantMs, endMs: InstantMs): string | null {
    if (confirmedMs === null || confirmedMs > deadlineMs) return 'the guardian goes by a later one';
    return device.state() === 'open' ? device.pat(deadlineMs, endMs) : null;
  }

  async function disarm(limitMs: number, { paused = false } = {}): Promise<ControlOutcome> {
    if (off) return { kind: 'done' };
    if (peer === null) return { kind: 'failed', why };
    const { with: mine } = peer;
    const reply = await mine.ask({ ask: 'disarm', paused }, limitMs);
    if (reply === null) {
      lost(mine, `no answer in ${limitMs} ms`);
      return { kind: 'failed', why };
    }
    if (!reply.ok) return { kind: 'failed', why: reply.why ?? 'refused' };
    inForce = null;
    confirmedMs = null;
    if (!device.release()) note('warning', 'the watchdog device cannot be stopped: it may reset this machine');
    return { kind: 'done' };
  }

  async function close(): Promise<void> {
    closed = true;
    // One that is being started now would take our end for a death, and start another agent.
    if (joining !== null) await Promise.race([joining.first, clock.sleep(closeLimitMs)]);
    if (peer === null) return;
    const { with: mine, cancel } = peer;
    cancel();
    peer = null;
    await takeLeave(mine);
  }

  /** The guardian ends with us, or stays and does not start another agent. */
  async function takeLeave(mine: GuardPeer): Promise<void> {
    const left = await mine.ask({ ask: 'leave' }, closeLimitMs);
    if (left?.ok === true) device.release();
    else await mine.ask({ ask: 'bye' }, closeLimitMs);
    mine.close();
  }

  return { view, open, restored: () => takenOver, setDeadline, lowerDeadline, disarm, close };
}
