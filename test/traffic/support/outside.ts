import assert from 'node:assert/strict';
import { trafficClock } from '../../../src/traffic/clock.ts';
import { makeSql } from '../../../src/world/sql.ts';

/** The real world, as the commands have it. */
export const outside = { sql: makeSql(), clock: trafficClock };

/** Until it holds; a minute is a failure, which `told` explains. */
export async function until(what: string, holds: () => boolean, told = (): string => ''): Promise<void> {
  const endMs = outside.clock.now() + 60_000;
  while (!holds()) {
    assert.ok(outside.clock.now() < endMs, `${what} never happened ${told()}`);
    await outside.clock.sleep(10);
  }
}
