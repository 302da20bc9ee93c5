import { decide } from '../../src/decide/decide.ts';
import type { Action } from '../../src/model/decision.ts';
import type { Job } from '../../src/model/job.ts';
import type { Observation } from '../../src/model/observation.ts';

/** What a decision is asked for most. */

export const jobOf = (seen: Observation): Job | undefined =>
  decide(seen).actions.find((one): one is Extract<Action, { kind: 'startJob' }> => one.kind === 'startJob')?.job;

export const kinds = (seen: Observation): readonly string[] => decide(seen).actions.map(({ kind }) => kind);
