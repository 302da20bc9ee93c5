import type { AgentHandles } from '../../model/agent.ts';
import { type ApiRequest, json, type Reply } from '../reply.ts';

const listedMax = 100;

/** GET /incidents: changes of role, the newest last, without their evidence; GET /incidents/ID: one, whole. */
export function incidents({ path, query }: ApiRequest, handles: Pick<AgentHandles, 'incidents'>): Reply {
  const id = path.split('/')[2] ?? '';
  if (id !== '') {
    const found = handles.incidents().find((one) => one.id === id);
    return found === undefined ? json(404, { error: `there is no incident ${id.slice(0, 40)}` }) : json(200, found);
  }
  const wanted = /^\d{1,6}$/.test(query.limit ?? '') ? Number(query.limit) : listedMax;
  const newest = wanted === 0 ? [] : handles.incidents().slice(-wanted);
  return json(
    200,
    newest.map(({ evidence: _evidence, ...rest }) => rest),
  );
}
