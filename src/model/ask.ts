import type { WallMs } from './units.ts';

/** On what conditions PostgreSQL is restarted, judged when it comes to it, and how long its start may take. */
export interface RestartTerms {
  readonly role: string | null;
  readonly pendingOnly: boolean;
  readonly belowVersion: number | null;
  readonly timeoutMs: number | null;
}

/** What people ask of this node. It waits in the mailbox, appears in the next observation, and a rule answers it. */
export type Ask =
  | (RestartTerms & {
      readonly id: number;
      readonly kind: 'restart';
      readonly schedule: WallMs | null;
      readonly raw: Readonly<Record<string, unknown>>;
    })
  | { readonly id: number; readonly kind: 'cancelScheduledRestart' }
  | { readonly id: number; readonly kind: 'reinitialize'; readonly force: boolean; readonly fromLeader: boolean }
  | { readonly id: number; readonly kind: 'reload' }
  | { readonly id: number; readonly kind: 'stop' }; // SIGTERM

export interface AskAnswer {
  readonly id: number;
  /** accepted: it has begun; done: it is over. */
  readonly kind: 'accepted' | 'done' | 'refused' | 'failed';
  readonly text: string;
}
