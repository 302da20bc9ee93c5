import { isObject, parseJson } from './dcs/json.ts';

/** What the next agent of this node is told of the times that the server went down here while this node led. */
export interface Crashes {
  /** In ms, by the wall clock: another boot has another one of its own. */
  readonly atWallMs: readonly number[];
  /** Its starts in place since then, by the same clock. */
  readonly startsWallMs: readonly number[];
  /** It is down still from the last of them. */
  readonly isDown: boolean;
}

export const crashesFile = (stateDir: string): string => `${stateDir}/crashes.json`;

export const writeCrashes = (crashes: Crashes): string => `${JSON.stringify(crashes)}\n`;

/** Null: nobody can read that. */
export function readCrashes(text: string): Crashes | null {
  const value = parseJson(text);
  if (!isObject(value) || typeof value.isDown !== 'boolean') return null;
  const [atWallMs, startsWallMs] = [timesIn(value.atWallMs), timesIn(value.startsWallMs)];
  return atWallMs === null || startsWallMs === null ? null : { atWallMs, startsWallMs, isDown: value.isDown };
}

function timesIn(value: unknown): readonly number[] | null {
  if (!Array.isArray(value)) return null;
  const times: readonly unknown[] = value;
  return times.every((time) => typeof time === 'number') ? times : null;
}
