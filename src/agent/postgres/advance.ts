import { type Lsn, lsnText } from '../../model/units.ts';
import type { PostgresParts } from './parts.ts';
import { ownTarget, runOnce, whyNot } from './sessions.ts';
import { advanceSlot, dropSlot } from './statements.ts';

export interface Advancer {
  /** Moved on to there when its turn comes; a newer place takes the place of an older one. */
  advance(slot: string, database: string, to: Lsn): void;
}

/** It reads the WAL on the way there: of a slot that is far behind, all of it. */
const limitMs = 3_600_000;
/** Its WAL is gone, or PostgreSQL has invalidated it: it never moves again. */
const broken: ReadonlySet<string> = new Set(['58P01', '55000']);

/** Moves copies of logical slots on, one after another, beside the loop: that can take long, and a loop must not. */
export function makeAdvancer(parts: PostgresParts): Advancer {
  const waiting = new Map<string, { readonly database: string; readonly to: Lsn }>();
  const told = new Map<string, string>();
  let busy = false;

  async function work(): Promise<void> {
    for (let next = first(); next !== null; next = first()) {
      const [slot, { database, to }] = next;
      waiting.delete(slot);
      await move(slot, database, to);
    }
    busy = false;
  }
  const first = () => [...waiting.entries()][0] ?? null;

  async function move(slot: string, database: string, to: Lsn): Promise<void> {
    const own = ownTarget(parts.settings(), 'Patroni slots');
    const target = { ...own, database, options: `${own.options ?? ''} -c statement_timeout=0` };
    const result = await runOnce(parts.world.sql, target, [advanceSlot(slot, lsnText(to))], limitMs);
    if (result.kind === 'rows') return void told.delete(slot);
    const why = whyNot(result);
    if (result.kind === 'error' && broken.has(result.sqlState)) {
      parts.note('warning', `logical slot ${slot} cannot be moved on, and is dropped, to be copied anew: ${why}`);
      await runOnce(parts.world.sql, own, [dropSlot(slot)], limitMs);
      return;
    }
    if (told.get(slot) !== why)
      parts.note('warning', `logical slot ${slot} was not moved on to ${lsnText(to)}: ${why}`);
    told.set(slot, why);
  }

  return {
    advance(slot, database, to) {
      waiting.set(slot, { database, to });
      if (busy) return;
      busy = true;
      void work();
    },
  };
}
