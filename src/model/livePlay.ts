/** The scenarios of a lab as its live page shows them, and the one that is played: plain data, it travels as JSON. */

export interface ScenarioPicture {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** It takes many minutes. */
  readonly long: boolean;
  /** Why it is known to fail; null: it is not. */
  readonly red: string | null;
  /** Why this lab cannot play it, with the remedy; null: it can. */
  readonly whyNot: string | null;
}

export interface PlayPicture {
  /** Counted from 1 in the life of a lab: the name of its report. */
  readonly number: number;
  readonly title: string;
  readonly startedWallMs: number;
  /** Null: it goes on, or what it broke is being mended. No other is started before. */
  readonly endedWallMs: number | null;
  /** What is waited for or done beside the steps; null: a step is being taken, or all is over. */
  readonly doing: string | null;
  readonly steps: readonly PlayedStep[];
  readonly verdict: PlayVerdict | null;
}

export interface PlayedStep {
  readonly text: string;
  readonly state: 'ahead' | 'now' | 'done' | 'failed';
  /** Of a step that failed; null: none did. */
  readonly why: string | null;
  readonly tookMs: number | null;
}

export interface PlayVerdict {
  readonly kind: 'passed' | 'failed' | 'stopped';
  /** What went wrong, a sentence each. */
  readonly complaints: readonly string[];
  /** Whether there is a report to open. */
  readonly report: boolean;
}
