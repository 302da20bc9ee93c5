import { optionalBody } from '../../codec/rest/body.ts';
import type { AgentHandles } from '../../model/agent.ts';
import { asText } from '../../model/scalars.ts';
import type { LocalSettings, RestSettings } from '../../model/settings.ts';
import { elsewhere, isOwnPage } from '../access.ts';
import { type ApiRequest, page, type Reply, text } from '../reply.ts';
import { clusterOf } from '../view.ts';
import { patch } from './config.ts';
import { reinitialize } from './data.ts';
import { handOver } from './handover.ts';
import { restart } from './restart.ts';

interface DeedDeps {
  readonly handles: AgentHandles;
  readonly local: Pick<LocalSettings, 'rest'>;
  sleep(ms: number): Promise<void>;
}

/**
 * POST /ui/do: what the buttons of the live page ask for, each by the handler of its own endpoint. The password was judged before.
 * A browser can be made to send requests by any site, so whoever asks must come from this very page as well.
 */
export async function deed(request: ApiRequest, deps: DeedDeps): Promise<Reply> {
  if (request.path !== '/ui/do') return page(404);
  const refusal = refusalOf(request, deps.local.rest);
  if (refusal !== null) return text(403, refusal);
  const body = optionalBody(request.body);
  if (body.kind === 'bad') return page(body.status, body.why);
  const reply = await perform(body.document, request, deps);
  // The page shows a sentence.
  return reply.kind === 'page' ? text(reply.status, reply.why ?? `status ${reply.status}`) : reply;
}

/** Null lets through. */
function refusalOf({ origin, host }: ApiRequest, { authentication, tls }: RestSettings): string | null {
  const known = authentication !== null || (tls !== null && tls.verifyClient !== 'none');
  if (!known) return 'this agent cannot tell who asks: set restapi.authentication for buttons on this page';
  return origin !== undefined && isOwnPage(origin, [host]) ? null : elsewhere;
}

function perform(
  asked: Readonly<Record<string, unknown>>,
  request: ApiRequest,
  deps: DeedDeps,
): Reply | Promise<Reply> {
  const { handles } = deps;
  const saying = (document: object): ApiRequest => ({ ...request, body: JSON.stringify(document) });
  switch (asked.deed) {
    case 'signIn':
      return text(200, 'welcome');
    case 'switchover': {
      const snapshot = handles.snapshot();
      const leader = snapshot === null ? null : (clusterOf(snapshot.seen.dcs)?.leader?.name ?? null);
      return handOver('switchover', saying({ leader, candidate: asked.node }), deps);
    }
    case 'restart':
      return restart(saying({}), handles);
    case 'reinit':
      return reinitialize(saying({}), deps);
    case 'pause':
    case 'resume':
      return patch(saying({ pause: asked.deed === 'pause' ? true : null }), handles);
    default:
      return text(400, `no deed ${asText(asked.deed)}`);
  }
}
