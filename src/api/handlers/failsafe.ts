import { requiredBody } from '../../codec/rest/body.ts';
import { accepted, readPromiseAsk } from '../../codec/rest/failsafe.ts';
import type { AgentHandles } from '../../model/agent.ts';
import { type ApiRequest, page, type Reply, text } from '../reply.ts';

/** POST /failsafe: a primary without etcd asks that this node does not take its place. Whatever is no 200 is a no. */
export async function promise(request: ApiRequest, handles: Pick<AgentHandles, 'promise'>): Promise<Reply> {
  const body = requiredBody(request.body);
  if (body.kind === 'bad') return page(body.status, body.why);
  const ask = readPromiseAsk(body.document);
  if (typeof ask === 'string') return text(400, ask);
  const answer = await handles.promise(ask);
  if (answer.kind === 'refused') return answer.status === 502 ? page(502, answer.why) : text(answer.status, answer.why);
  return {
    kind: 'text',
    status: 200,
    text: accepted,
    headers: answer.lsn === null ? {} : { lsn: String(answer.lsn) },
  };
}
