import { promisedForMs, promiseFile, readPromised, writePromised } from '../../codec/failsafe.ts';
import { bootIdPath } from '../../codec/guard.ts';
import { type PromiseSeen, promisedTerm, type Standing, whyNoPromise } from '../../decide/failsafe.ts';
import type { Fact } from '../../model/decision.ts';
import type { PromiseAnswer, PromiseAsk, Promised } from '../../model/failsafe.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import { later } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import { makeOneFile } from '../oneFile.ts';

export interface PromisesParts {
  readonly stateDir: string;
  readonly ttlMs: () => number;
  readonly standing: () => Omit<Standing, 'longestTtlMs'>;
  readonly note: (level: 'info' | 'warning', text: string, because: readonly Fact[]) => void;
}

/**
 * What this node promises to a primary without etcd, and that it keeps it: who asks etcd for the leader key refuses to
 * promise, and who has promised does not ask. Both are settled in one turn of the event loop, before anything is waited for.
 */
export function makePromises({ clock, files }: Pick<World, 'clock' | 'files'>, parts: PromisesParts) {
  const path = promiseFile(parts.stateDir);
  const onDisk = makeOneFile(files, path);
  let promised: Promised | null = null;
  let bootId: string | null = null;
  /** Questions to etcd for the leader key that are under way. */
  let standing = 0;
  let longestTtlMs = 0;

  async function keep(promise: Promised): Promise<string | null> {
    if (bootId === null) return 'this boot has no id';
    return onDisk(writePromised(bootId, promise));
  }

  return {
    /** As of this look. */
    current(): Promised | null {
      longestTtlMs = Math.max(longestTtlMs, parts.ttlMs());
      return promised;
    },
    /** What the agent before this one promised; where that is not known, anything, from now on for one ttl, or as long as it promised. */
    async load(): Promise<void> {
      const nowMs = clock.now();
      const boot = await files.read(bootIdPath);
      bootId = boot.kind === 'text' ? boot.text.trim() : null;
      const file = await files.read(path);
      const before = file.kind === 'text' && bootId !== null ? readPromised(file.text, bootId) : null;
      const anybodyUntilMs = later(nowMs, Math.max(parts.ttlMs(), file.kind === 'text' ? promisedForMs(file.text) : 0));
      promised = before ?? {
        to: null,
        term: null,
        givenMs: nowMs,
        untilMs: anybodyUntilMs,
        anybodyUntilMs,
        at: null,
        lsn: null,
        slots: {},
      };
      if (before === null) await keep(promised);
    },
    async give(ask: PromiseAsk): Promise<PromiseAnswer> {
      const nowMs = clock.now();
      const { seen, leads } = parts.standing();
      // What was promised since that look counts as well.
      const now = seen === null ? null : { ...seen, nowMs, failsafe: { ...seen.failsafe, promised } };
      const refused = whyNoPromise({ seen: now, leads: leads || standing > 0, longestTtlMs }, ask);
      if (refused !== null) return refused;
      const untilMs = later(nowMs, Math.max(parts.ttlMs(), ask.ttlMs ?? 0));
      const before = promised;
      const { name: to, at, lsn, slots } = ask;
      const term = now === null ? ask.term : promisedTerm(now, ask);
      const promise: Promised = {
        to,
        term,
        givenMs: nowMs,
        // What was promised longer is kept as long: the ttl may have been shortened since.
        untilMs: before !== null && before.untilMs > untilMs ? before.untilMs : untilMs,
        anybodyUntilMs: before?.anybodyUntilMs ?? null,
        at,
        lsn,
        slots,
      };
      promised = promise;
      if (before === null || before.to !== to || before.untilMs <= nowMs)
        parts.note('warning', `${to} has no etcd, and asks that nobody takes its place: promised, as long as it asks`, [
          ['for', `${Math.round(untilMs - nowMs)} ms at a time`],
        ]);
      const failed = await keep(promise);
      if (failed !== null) return { kind: 'refused', status: 503, why: `${path}: ${failed}` };
      const server = parts.standing().seen?.postgres;
      const mine = server?.kind === 'running' && server.role === 'standby' ? server.receivedLsn : null;
      return { kind: 'accepted', lsn: mine };
    },
    /** Asks etcd for the leader key, unless a promise stands against it, or was given since the decision. */
    async stand<T>(decided: PromiseSeen, ask: () => Promise<DcsOutcome<T>>): Promise<DcsOutcome<T>> {
      if ((promised?.givenMs ?? null) !== decided.givenMs)
        return { kind: 'refused', why: `${promised?.to} asked meanwhile that nobody takes its place` };
      if (decided.inForce) return { kind: 'refused', why: `${promised?.to ?? 'somebody'} was promised its place` };
      standing += 1;
      try {
        return await ask();
      } finally {
        standing -= 1;
      }
    },
  };
}
