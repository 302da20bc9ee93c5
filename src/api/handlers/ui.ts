import { happeningOf } from '../../codec/rest/happening.ts';
import { agentPicture } from '../../codec/rest/live.ts';
import type { AgentHandles } from '../../model/agent.ts';
import type { LiveMessage } from '../../model/live.ts';
import type { LocalSettings } from '../../model/settings.ts';
import { type ApiRequest, page, type Reply } from '../reply.ts';

interface UiDeps {
  readonly handles: Pick<
    AgentHandles,
    'snapshot' | 'onSnapshot' | 'fenceDeadlineMs' | 'now' | 'wallMs' | 'journal' | 'rehearse'
  >;
  readonly local: Pick<LocalSettings, 'scope' | 'name'>;
  /** The live page as it was built; null: it was not. */
  readonly livePage?: () => string | null;
  sleep(ms: number): Promise<void>;
}

/** GET /ui and /ui/stream: the live page, to look at. */
export function ui({ path }: ApiRequest, deps: UiDeps): Reply {
  if (path === '/ui/stream') return stream(deps);
  if (path !== '/ui') return page(404);
  const text = deps.livePage?.() ?? null;
  return text === null
    ? page(404, 'the live page was not built')
    : { kind: 'text', status: 200, text, type: 'text/html; charset=utf-8', headers: pageHeaders };
}

/** Its own policy, of what it may load and run, stands in the page. */
const pageHeaders = { 'X-Frame-Options': 'DENY', 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache' };

/** A cycle publishes twice, and tells the journal in between: one picture of it is enough. */
const gatherMs = 25;
const pulseMs = 5_000;
const happeningsMost = 100;

/** Pushed on change. Whoever looks pays for it: without a reader nothing here runs. */
function stream({ handles, local, sleep }: UiDeps): Reply {
  return {
    kind: 'stream',
    start(write) {
      let over = false;
      let due = false;
      const send = (message: LiveMessage): void => write(`data: ${JSON.stringify(message)}\n\n`);
      function sendPicture(): void {
        const wallMs = handles.wallMs();
        const { scope, name } = local;
        const played = handles.rehearse(null); // by the last look: nobody is asked for it
        const context = {
          scope,
          name,
          wallMs,
          nowMs: handles.now(),
          fenceDeadlineMs: handles.fenceDeadlineMs(),
          rehearsal: played === null || 'kind' in played ? null : played,
        };
        send({ kind: 'picture', wallMs, picture: agentPicture(handles.snapshot(), context) });
      }
      async function sendSoon(): Promise<void> {
        if (due) return;
        due = true;
        await sleep(gatherMs);
        due = false;
        if (!over) sendPicture();
      }
      async function pulse(): Promise<void> {
        for (;;) {
          await sleep(pulseMs);
          if (over) return;
          send({ kind: 'pulse', wallMs: handles.wallMs() });
        }
      }
      const before = handles.journal.recent(1_000).flatMap((entry) => happeningOf(local.name, entry) ?? []);
      sendPicture();
      send({ kind: 'happened', happenings: before.slice(-happeningsMost) });
      void pulse();
      const stops = [
        handles.onSnapshot(() => void sendSoon()),
        handles.journal.subscribe((entry) => {
          const happening = happeningOf(local.name, entry);
          if (happening !== null) send({ kind: 'happened', happenings: [happening] });
        }),
      ];
      return () => {
        over = true;
        for (const stop of stops) stop();
      };
    },
  };
}
