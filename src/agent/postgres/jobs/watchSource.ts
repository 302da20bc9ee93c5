import type { Upstream } from '../../../model/postgres.ts';
import type { JobContext, PostgresParts } from '../parts.ts';
import { identify } from './identity.ts';

/** How often it is looked whether the copy gets on. */
const lookEveryMs = 10_000;
/** Looks in a row without a line of progress or an answer of the server: a minute. */
const unansweredMax = 6;
/** Looks in a row without a line of progress, though the server answers: five minutes. Only while files are copied: they come all the time. */
const stalledMax = 30;

export interface SourceWatch {
  /** Ends the copy: by who cancels the job, or since nothing comes from the source any more. */
  readonly signal: AbortSignal;
  /** A line of pg_basebackup. */
  heard(line: string): void;
  /** Null: it was not given up; else why. */
  givenUp(): string | null;
  end(): void;
}

const copies = /\d+(\/\d+)? kB\b/;
/** The files are here: what comes now is their sources' or this disk's time, and may take long without a word. */
const isThrough = /write-ahead log end point|waiting for background process|base backup done, waiting/;
const needsNoSource = /syncing data to disk|renaming backup_manifest|base backup completed/;

/**
 * A server that stands still on a kernel that lives holds its connections for ever: keepalives are answered, and no byte comes. Looks
 * are counted, not time: whatever froze this machine or its agent, too, froze the looks.
 */
export function watchSource(parts: PostgresParts, context: Pick<JobContext, 'signal'>, from: Upstream): SourceWatch {
  const { clock } = parts.world;
  const tool = new AbortController();
  const over = new AbortController();
  const cancel = (): void => tool.abort();
  let phase: 'begins' | 'copies' | 'through' | 'needsNoSource' = 'begins';
  let quiet = 0;
  let unanswered = 0;
  let why: string | null = null;

  function giveUp(text: string): void {
    why = text;
    tool.abort();
  }

  async function look(): Promise<void> {
    quiet += 1;
    if (quiet === 1 || phase === 'needsNoSource') return;
    const answer = await identify(parts, from);
    if (over.signal.aborted || quiet === 0) return;
    // Who says no is there.
    unanswered = answer.kind === 'lost' ? unanswered + 1 : 0;
    const seconds = Math.round((quiet * lookEveryMs) / 1_000);
    if (unanswered + 1 >= unansweredMax)
      return giveUp(`no byte came for ${seconds} s, and its server does not answer: it was given up`);
    if (phase === 'copies' && quiet >= stalledMax)
      return giveUp(`no byte came for ${seconds} s, though its server answers: it was given up`);
  }

  async function watch(): Promise<void> {
    while (why === null) {
      await clock.sleep(lookEveryMs, over.signal);
      if (over.signal.aborted) return;
      await look();
    }
  }

  if (context.signal.aborted) cancel();
  context.signal.addEventListener('abort', cancel, { once: true });
  void watch();
  return {
    signal: tool.signal,
    heard(line) {
      quiet = 0;
      unanswered = 0;
      if (needsNoSource.test(line)) phase = 'needsNoSource';
      else if (isThrough.test(line)) phase = 'through';
      else if (phase === 'begins' && copies.test(line)) phase = 'copies';
    },
    givenUp: () => why,
    end() {
      over.abort();
      context.signal.removeEventListener('abort', cancel);
    },
  };
}
