import { happeningOf } from '../../codec/rest/happening.ts';
import { agentPicture } from '../../codec/rest/live.ts';
import { toldMoment, whyNotOf } from '../../codec/rest/moment.ts';
import type { AgentHandles } from '../../model/agent.ts';
import type { LiveMessage } from '../../model/live.ts';
import type { RuleTexts } from '../../model/moment.ts';
import type { LocalSettings } from '../../model/settings.ts';
import { type ApiRequest, json, page, type Reply, text } from '../reply.ts';
import { lookAgain } from './rehearse.ts';

interface UiDeps {
  readonly handles: Pick<
    AgentHandles,
    'snapshot' | 'onSnapshot' | 'fenceDeadlineMs' | 'now' | 'wallMs' | 'journal' | 'rehearse' | 'wake' | 'askPeers'
  >;
  readonly local: Pick<LocalSettings, 'scope' | 'name'>;
  /** The live page as it was built; null: it was not. */
  readonly livePage?: () => string | null;
  /** What the rules say, for who asks why they said nothing. */
  readonly rules?: RuleTexts;
  sleep(ms: number): Promise<void>;
}

/** GET /ui and what is below it: the live page, to look at, and what it asks when somebody wants to know why. */
export function ui({ path, query }: ApiRequest, deps: UiDeps): Reply | Promise<Reply> {
  if (path === '/ui/stream') return stream(deps);
  if (path === '/ui/why') return why(query.at, deps);
  if (path === '/ui/why-not') return whyNot(query.node ?? '', deps);
  if (path !== '/ui') return page(404);
  const built = deps.livePage?.() ?? null;
  return built === null
    ? page(404, 'the live page was not built')
    : { kind: 'text', status: 200, text: built, type: 'text/html; charset=utf-8', headers: pageHeaders };
}

/** Its own policy, of what it may load and run, stands in the page. */
const pageHeaders = { 'X-Frame-Options': 'DENY', 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache' };

/** As far back as the journal reaches, that of agents before this one as well. */
async function why(at: string | undefined, { handles, local, rules = new Map() }: UiDeps): Promise<Reply> {
  const atMs = Date.parse(at ?? '');
  if (Number.isNaN(atMs)) return text(400, 'a moment is wanted: at=2026-11-25T20:13:51Z');
  return json(200, [toldMoment(local.name, await handles.journal.around(atMs), atMs, rules)]);
}

/** The others are asked anew first: what they said a while ago may be the very thing that has changed. */
async function whyNot(name: string, deps: UiDeps): Promise<Reply> {
  const { handles, local } = deps;
  await lookAgain(deps);
  const answer = handles.rehearse(null);
  const snapshot = handles.snapshot();
  if (answer === null || 'kind' in answer || snapshot === null)
    return text(503, 'this agent has not looked around yet');
  const told = whyNotOf(answer, name, { name: local.name, ageMs: handles.now() - snapshot.seen.nowMs });
  return told === null ? text(404, `no member ${name}`) : json(200, told);
}

const journalMost = 1_000;

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
      const before = handles.journal.recent(journalMost).flatMap((entry) => happeningOf(local.name, entry) ?? []);
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
