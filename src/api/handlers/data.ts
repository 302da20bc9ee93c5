import { isTrue, optionalBody } from '../../codec/rest/body.ts';
import type { AgentHandles } from '../../model/agent.ts';
import { type ApiRequest, page, type Reply, text } from '../reply.ts';

const reloadLimitMs = 600_000;
const reinitializeLimitMs = 600_000;
/** A refusal comes with the next cycle. Who is not refused by then is stopping PostgreSQL first. */
const refusalWaitMs = 8_000;

/** Like SIGHUP: answered before anything has happened. */
export function reload({ mailbox }: Pick<AgentHandles, 'mailbox'>): Reply {
  void mailbox.ask({ kind: 'reload' }, { acceptedIsEnough: true, limitMs: reloadLimitMs });
  return text(202, 'reload scheduled');
}

/** A fresh copy of the data. Answered when it has begun. */
export async function reinitialize(
  request: ApiRequest,
  { handles, sleep }: { readonly handles: Pick<AgentHandles, 'mailbox'>; sleep(ms: number): Promise<void> },
): Promise<Reply> {
  const body = optionalBody(request.body);
  if (body.kind === 'bad') return page(body.status, body.why);
  const { force, from_leader: fromLeader } = body.document;
  const asked = handles.mailbox.ask(
    { kind: 'reinitialize', force: isTrue(force), fromLeader: isTrue(fromLeader) },
    { acceptedIsEnough: true, limitMs: reinitializeLimitMs },
  );
  const answer = await Promise.race([asked, sleep(refusalWaitMs)]);
  return answer !== undefined && (answer.kind === 'refused' || answer.kind === 'failed')
    ? text(503, answer.text)
    : text(200, 'reinitialize started');
}
