import { failsafeMapFile, type KnownMaps, readKnownMaps, writeKnownMaps } from '../../codec/failsafe.ts';
import type { FailsafeMap } from '../../model/failsafe.ts';
import type { DcsOutcome } from '../../model/outcome.ts';
import type { Revision, Term } from '../../model/units.ts';
import type { World } from '../../model/world.ts';
import { absent } from './lease.ts';
import type { Seen } from './writes.ts';

/**
 * Whom a leader must ask before it goes on without etcd: all that are named by any content that /failsafe may have now. A write
 * that was lost sight of may arrive while the key is at the revision which it compares; both contents count until then. It is on
 * disk before it is sent, so that the next agent of this node, which may have no etcd to read from, knows as much.
 */
export function makeFailsafeMap({ files }: Pick<World, 'files'>, stateDir: string) {
  const path = failsafeMapFile(stateDir);
  let read: KnownMaps['read'] = null;
  let tries: KnownMaps['tries'] = [];
  /** Of the reign before this agent began something may be on its way that no file tells of. */
  let unknownIn: Term | null = null;
  let kept = '';

  async function keep(term: Term): Promise<string | null> {
    const text = writeKnownMaps({ term, read, tries });
    if (text === kept) return null;
    const written = await files.write(path, text, 0o600);
    if (written.kind !== 'done') return written.why;
    kept = text;
    return null;
  }

  return {
    /** `term`: of the lease that was taken over from the agent before; null: there was none. */
    async load(term: Term | null): Promise<void> {
      if (term === null) return;
      const file = await files.read(path);
      const known = file.kind === 'text' ? readKnownMaps(file.text) : null;
      if (known?.term === term) ({ read, tries } = known);
      else unknownIn = term;
    },
    /** What a read of etcd showed. `term`: of the lease that is held; null: none is, and nothing is kept. */
    seen(at: Revision, members: FailsafeMap | null, term: Term | null): void {
      read = members === null || at === absent ? null : { members, at };
      tries = tries.filter(({ over }) => over === at);
      if (term === null || term !== unknownIn) unknownIn = null;
      if (term !== null) void keep(term);
    },
    async write(
      members: FailsafeMap | null,
      over: Seen,
      term: Term,
      write: () => Promise<DcsOutcome<null>>,
    ): Promise<DcsOutcome<null>> {
      const revision = over === 'any' ? null : (over ?? absent);
      const mine = members === null || revision === null ? null : { members, over: revision };
      if (mine !== null) tries = [...tries, mine];
      const failed = await keep(term);
      if (failed !== null) {
        tries = tries.filter((one) => one !== mine);
        return { kind: 'refused', why: `${path}: ${failed}` };
      }
      const outcome = await write();
      if (outcome.kind === 'done') {
        if (unknownIn === term) unknownIn = null;
        tries = [];
        read = members === null ? null : { members, at: outcome.revision };
      } else if (outcome.kind !== 'unknown') tries = tries.filter((one) => one !== mine);
      else if (over === 'any') unknownIn = term; // compares nothing: it may arrive at any time
      return outcome;
    },
    /** Null: nobody knows whom to ask. */
    current(): FailsafeMap | null {
      if (read === null || unknownIn !== null) return null;
      return Object.assign({}, ...[...tries, read].map(({ members }) => members));
    },
  };
}
