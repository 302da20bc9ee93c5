import { refusalOf } from '../../codec/config/merge.ts';
import { patchConfig } from '../../codec/config/patch.ts';
import { compactJson, isObject, parseJson } from '../../codec/dcs/json.ts';
import { requiredBody } from '../../codec/rest/body.ts';
import type { AgentHandles } from '../../model/agent.ts';
import { type ApiRequest, json, page, type Reply } from '../reply.ts';

type Handles = Pick<AgentHandles, 'dcs' | 'wake'>;

// Patroni stores whatever it is given, and each member then ignores it by itself: whoever wrote it would take 200 for done.

const nothingToChange =
  '/config is not there, or can not be read: whoever leads writes it again; where nobody does, PUT /config with all the settings';

/** Merges into the cluster's configuration; whoever wrote meanwhile wins, and the caller hears of it. */
export async function patch(request: ApiRequest, { dcs, wake }: Handles): Promise<Reply> {
  const body = requiredBody(request.body);
  if (body.kind === 'bad') return page(body.status, body.why);
  const view = await dcs.read();
  if (view.kind === 'unreachable') return page(503, `etcd does not answer: ${view.why}`);
  const { config } = view.cluster;
  const before = parseJson(config?.text ?? '');
  if (config === null || !isObject(before)) return page(503, nothingToChange);
  const after = patchConfig(before, body.document);
  const text = compactJson(after);
  if (text === compactJson(before)) return json(200, after);
  const refusal = refusalOf(text);
  if (refusal !== null) return page(400, refusal);
  const written = await dcs.put('config', text, config.modRevision);
  if (written.kind === 'refused') return page(409);
  if (written.kind !== 'done') return page(503, `etcd does not answer: ${written.why}`);
  wake('config');
  return json(200, after);
}

/** Replaces it, whatever it was. */
export async function put(request: ApiRequest, { dcs, wake }: Handles): Promise<Reply> {
  const body = requiredBody(request.body);
  if (body.kind === 'bad') return page(body.status, body.why);
  const text = compactJson(body.document);
  const refusal = refusalOf(text);
  if (refusal !== null) return page(400, refusal);
  const view = await dcs.read();
  if (view.kind === 'unreachable') return page(502);
  if (view.cluster.config?.text !== text) {
    const written = await dcs.put('config', text, 'any');
    if (written.kind !== 'done') return page(502);
    wake('config');
  }
  return json(200, body.document);
}
