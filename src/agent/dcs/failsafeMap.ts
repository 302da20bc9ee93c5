import { failsafeMapFile, type KnownMaps, readKnownMaps, writeKnownMaps } from '../../codec/failsafe.ts';
import type { FailsafeMap } from '../../model/failsafe.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import { type InstantMs, instantMs, later, type Revision, type Term } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import { makeOneFile } from '../oneFile.ts';
import { absent } from './lease.ts';
import type { Seen } from './writes.ts';

/** What a read of etcd showed of the key. */
export interface MapSeen {
  readonly at: Revision;
  /** Null: there is none, or nobody can read it. */
  readonly members: FailsafeMap | null;
  readonly sentMs: InstantMs;
}

/**
 * Whom a leader must ask before it goes on without etcd: all that are named by any content that /failsafe may have now. A write
 * that was lost sight of may arrive while the key is at the revision which it compares; both contents count until then, and a
 * deletion names nobody. It is on disk before it is sent, so that the next agent of this node, which may have no etcd to read
 * from, knows as much.
 */
export function makeFailsafeMap({ files, clock }: Pick<World, 'files' | 'clock'>, stateDir: string) {
  const path = failsafeMapFile(stateDir);
  const onDisk = makeOneFile(files, path);
  let read: KnownMaps['read'] = null;
  let tries: KnownMaps['tries'] = [];
  let lastAt: Revision = absent;
  /** A read that was sent before that may show what was before: reads overtake one another. */
  let knownMs = instantMs(Number.NEGATIVE_INFINITY);
  /** Of the reign before this agent began something may be on its way that no file tells of. */
  let unknownIn: Term | null = null;

  const keep = (term: Term): Promise<string | null> => onDisk(writeKnownMaps({ term, read, tries }));

  return {
    /** `term`: of the lease that was taken over from the agent before; null: there was none. */
    async load(term: Term | null): Promise<void> {
      if (term === null) return;
      const file = await files.read(path);
      const known = file.kind === 'text' ? readKnownMaps(file.text) : null;
      if (known?.term === term) ({ read, tries } = known);
      else unknownIn = term;
    },
    /** `term`: of the lease that is held; null: none is, and nothing is kept. */
    seen({ at, members, sentMs }: MapSeen, term: Term | null): void {
      if (sentMs < knownMs) return;
      knownMs = sentMs;
      lastAt = at;
      read = members === null || at === absent ? null : { members, at };
      tries = tries.filter(({ over }) => over === at);
      if (term === null || term !== unknownIn) unknownIn = null;
      if (term !== null) void keep(term);
    },
    /**
     * `over`: 'any', whatever was read last. `write` compares the revision that it is given, in what is left of `budgetMs`: a disk that
     * hangs may have taken its time, and is not waited for.
     */
    async write(
      members: FailsafeMap | null,
      over: Seen,
      term: Term,
      budgetMs: number,
      write: (over: Revision | null, leftMs: number) => Promise<DcsOutcome<null>>,
    ): Promise<DcsOutcome<null>> {
      const endMs = later(clock.now(), budgetMs);
      const revision = over === 'any' ? lastAt : (over ?? absent);
      const mine = { members, over: revision };
      tries = [...tries, mine];
      const waiting = new AbortController();
      const late = clock.sleep(budgetMs, waiting.signal).then(() => `not taken within ${Math.round(budgetMs)} ms`);
      const failed = await Promise.race([keep(term), late]);
      waiting.abort();
      if (failed !== null) {
        tries = tries.filter((one) => one !== mine);
        return { kind: 'refused', why: `${path}: ${failed}` };
      }
      const outcome = await write(revision === absent ? null : revision, Math.max(0, endMs - clock.now()));
      if (outcome.kind === 'done') {
        if (unknownIn === term) unknownIn = null;
        knownMs = clock.now();
        tries = [];
        lastAt = members === null ? absent : outcome.revision;
        read = members === null ? null : { members, at: outcome.revision };
      } else if (outcome.kind !== 'unknown') tries = tries.filter((one) => one !== mine);
      return outcome;
    },
    /** Null: nobody knows whom to ask. */
    current(): FailsafeMap | null {
      if (read === null || unknownIn !== null) return null;
      const all: FailsafeMap[] = [];
      for (const { members } of [...tries, read]) {
        if (members === null) return null;
        all.push(members);
      }
      return Object.assign({}, ...all);
    },
  };
}
