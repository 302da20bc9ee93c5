import type { ControlOutcome } from '../model/outcome.ts';

/** What Node says went wrong, for people: `ENOSPC: no space left on device, write`. */
export const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Node's short name of a system error, such as ENOENT. */
export const codeOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;

/** Does something small on this machine, and gives how it went as a value. */
export async function outcomeOf(work: () => Promise<unknown>): Promise<ControlOutcome> {
  try {
    await work();
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', why: whyOf(error) };
  }
}
