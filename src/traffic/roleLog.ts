import type { Role as RoleSeen } from '../model/history.ts';
import type { Outside } from './seek.ts';
import type { HistorySink } from './writer.ts';

export interface RoleLog {
  saw(role: RoleSeen['role']): void;
}

/** A piece is written down at least so often: what is not yet written when the machine dies is lost. */
const pieceMs = 100;
/** Looks further apart than this say nothing of the time between them. */
const silentMs = 1_000;

/** Which role a node was seen in, from look to look, as pieces of history. */
export function makeRoleLog(node: string, clock: Pick<Outside['clock'], 'wall'>, history: HistorySink): RoleLog {
  let piece: { readonly role: RoleSeen['role']; readonly fromMs: number; untilMs: number } | null = null;
  const write = (): void => {
    if (piece !== null && piece.untilMs > piece.fromMs) history.record({ kind: 'role', node, ...piece });
  };
  return {
    saw(role) {
      const nowMs = clock.wall();
      const goesOn = piece !== null && piece.role === role && nowMs - piece.untilMs < silentMs;
      if (piece === null || !goesOn) {
        // Between two looks it changed: until when the first held is not known, since when the second does is.
        write();
        piece = { role, fromMs: nowMs, untilMs: nowMs };
        return;
      }
      piece.untilMs = nowMs;
      if (nowMs - piece.fromMs < pieceMs) return;
      write();
      piece = { role, fromMs: nowMs, untilMs: nowMs };
    },
  };
}
