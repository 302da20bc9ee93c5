import { isObject, parseJson } from './dcs/json.ts';

/** What the next agent of this node is told of the times that the server went down here while this node led. */
export interface Crashes {
  /** In ms, by the wall clock: another boot has another one of its own. */
  readonly atWallMs: readonly number[];
  /** It is down still from the last of them. */
  readonly isDown: boolean;
}

export const crashesFile = (stateDir: string): string => `${stateDir}/crashes.json`;

export const writeCrashes = (crashes: Crashes): string => `${JSON.stringify(crashes)}\n`;

/** Null: nobody can read that. */
export function readCrashes(text: string): Crashes | null {
  const value = parseJson(text);
  if (!isObject(value) || !Array.isArray(value.atWallMs) || typeof value.isDown !== 'boolean') return null;
  const times: readonly unknown[] = value.atWallMs;
  return times.every((time) => typeof time === 'number') ? { atWallMs: times, isDown: value.isDown } : null;
}
