import type { AgentHandles } from '../../model/agent.ts';
import { type ApiRequest, json, type Reply } from '../reply.ts';

/** GET /reports: what repairs threw away, the newest last, without their tables; GET /reports/ID: one, whole. */
export function reports({ path, query }: ApiRequest, handles: Pick<AgentHandles, 'reports'>): Reply {
  const id = path.split('/')[2] ?? '';
  if (id !== '') {
    const found = handles.reports().find((one) => one.id === id);
    return found === undefined ? json(404, { error: `there is no report ${id.slice(0, 40)}` }) : json(200, found);
  }
  const all = handles.reports();
  const wanted = /^\d{1,6}$/.test(query.limit ?? '') ? Number(query.limit) : all.length;
  const newest = wanted === 0 ? [] : all.slice(-wanted);
  return json(
    200,
    newest.map(({ tables: _tables, ...rest }) => rest),
  );
}
